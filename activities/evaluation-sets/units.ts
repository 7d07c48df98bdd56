/** The units of an evaluation: which questions of which set each asks, and how. */
import type { RunSet } from '../../db/queries/run-sets.ts';
import type { RunConfig } from '../run-input.ts';

export const HELD_OUT = 'held-out';

export interface EvaluationUnit {
  /** Undefined: the held-out questions of the model. */
  set: RunSet | undefined;
  mode: 'greedy' | 'sampled';
  /** Per question. */
  samples: number;
  /** Places in the set, the last excluded; of held-out questions all that the run asks. */
  from: number;
  to: number;
  /** In place of the unit in the seeds of samples, so that they do not depend on how the set is cut. */
  stream: number;
  /** With it the set is evaluated in this mode. */
  isLast: boolean;
}

/** Answers a shard when the run does not say. */
const SHARD_SIZE = 512;

/**
 * Units 0 and 1 ask the held-out questions, greedily and sampled, where there are some; then each set in its order is asked greedily,
 * and sampled where it has samples, in shards of about `evaluation.shardSize` answers.
 *
 * @param heldOut questions of the model's set; 0 when there is none
 */
export function evaluationUnits(
  { evaluation }: Pick<RunConfig, 'evaluation'>,
  heldOut: number,
  sets: readonly RunSet[],
): EvaluationUnit[] {
  const units: EvaluationUnit[] = [];
  if (heldOut > 0) {
    const whole = { set: undefined, from: 0, to: Math.min(heldOut, evaluation.questions), isLast: true };
    units.push({ ...whole, mode: 'greedy', samples: 1, stream: 0 });
    units.push({ ...whole, mode: 'sampled', samples: evaluation.samples, stream: 1 });
  }
  const answers = evaluation.shardSize ?? SHARD_SIZE;
  for (const set of sets) {
    for (const mode of ['greedy', 'sampled'] as const) {
      const samples = mode === 'greedy' ? 1 : set.samples;
      if (samples === 0) continue;
      const size = Math.max(1, Math.floor(answers / samples));
      const stream = 2 + 2 * set.position + Number(mode === 'sampled');
      for (let from = 0; from < set.questions; from += size) {
        const to = Math.min(from + size, set.questions);
        units.push({ set, mode, samples, from, to, stream, isLast: to === set.questions });
      }
    }
  }
  return units;
}
