import { Context } from '@temporalio/activity';
import type { IterationRef, PruneResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { holdLease } from './lease.ts';
import { pruneRun } from './retention/prune.ts';
import type { RunConfig } from './run-input.ts';
import { getRun } from '../db/queries/runs.ts';

/**
 * Applies the run's own retention policy. Asked again it finds less or nothing to do, and completes what an earlier attempt has
 * begun; one that never came is made up for at the end of the next iteration.
 */
export async function pruneCheckpoints(deps: ActivityDependencies, ref: IterationRef): Promise<PruneResult> {
  const { database, dataDir, codeVersion } = deps;
  await holdLease(deps, ref);
  const { config } = await getRun(database, ref.runId);
  // A run that was started before there was a choice keeps what it was promised.
  const { keep } = (config as Partial<RunConfig>).checkpoints ?? { keep: 'all' };
  if (keep === 'all') return { pruned: 0, bytes: 0 };
  const { pruned, bytes } = await pruneRun(database, {
    dataDir,
    runId: ref.runId,
    keep: { kind: keep },
    optimizerOnly: false,
    dryRun: false,
    codeVersion,
    signal: Context.current().cancellationSignal,
  });
  return { pruned: pruned.length, bytes };
}
