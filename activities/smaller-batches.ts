/**
 * Smaller batches when memory has run out. How many sequences are computed together is part of the bit pattern of a result,
 * so a size that had to be found is kept: the unit's row says how often it was halved, and the later units of the run begin
 * there, in this attempt and in any other.
 */
import { log } from '@temporalio/activity';
import { RZeroError } from './errors.ts';
import type { RunConfig } from './run-input.ts';

/** A process that was killed may have been killed by hand: only the third time in the same unit is it the machine's doing. */
const KILLS_BY_HAND = 2;

export function halvedBatches<Config extends Pick<RunConfig, 'batchSize' | 'microBatch'>>(
  config: Config,
  halvings: number,
): Config {
  const halved = (size: number): number => Math.max(1, Math.ceil(size / 2 ** halvings));
  return { ...config, batchSize: halved(config.batchSize), microBatch: halved(config.microBatch) };
}

/**
 * Runs `attempt` with the run's batch sizes, and with half of them as long as memory runs out.
 *
 * @param halvings to begin with
 * @param failures for lack of memory in this unit so far
 * @param onFailure told before each further try
 * @returns the result, and the number of halvings that it took
 */
export async function withSmallerBatches<T>(
  config: RunConfig,
  { halvings: first, failures }: { halvings: number; failures: number },
  onFailure: (error: RZeroError) => Promise<void>,
  attempt: (config: RunConfig) => Promise<T>,
): Promise<{ result: T; halvings: number }> {
  for (let halvings = first; ; halvings++) {
    const present = halvedBatches(config, halvings);
    try {
      return { result: await attempt(present), halvings };
    } catch (error) {
      const ofMemory = error instanceof RZeroError && error.code === 'EngineOutOfMemory';
      const certain = ofMemory && (error.field === 'batchSize' || failures >= KILLS_BY_HAND);
      if (!certain || (present.batchSize === 1 && present.microBatch === 1)) throw error;
      const { batchSize, microBatch } = halvedBatches(config, halvings + 1);
      log.warn(`Memory ran out: trying again with batchSize ${batchSize} and microBatch ${microBatch}.`, {
        code: error.code,
        reason: error.message,
      });
      await onFailure(error);
    }
  }
}
