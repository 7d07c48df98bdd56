/**
 * The method once more over what a run has stored: parsing, votes, rewards and gate decisions under another preset, or under the
 * present version of the code. Nothing is overwritten; the results are rows of a new version (r_zero.recomputations).
 */
import type pg from 'pg';
import { RZeroError } from '../errors.ts';
import type { PresetName } from '../method/presets.ts';
import { transaction } from '../../db/client.ts';
import { beginRecomputation, insertRecomputation, readMoves, readSummary } from '../../db/queries/recomputations.ts';
import type { DecisionMove, SummaryRow } from '../../db/queries/recomputations.ts';
import { readRunConfigs } from '../../db/queries/run-inputs.ts';
import { getRun } from '../../db/queries/runs.ts';
import { recomputeChallenger } from './challenger.ts';
import type { RecomputeContext } from './context.ts';
import { recomputeDataset } from './dataset.ts';
import { methodContext } from './method.ts';
import { recomputeSolver } from './solver.ts';

export interface RecomputeRequest {
  runId: string;
  /** @default the run's own, at the version that this code has */
  preset?: PresetName;
  /** Tell what would change and keep no row of it. */
  dryRun: boolean;
  codeVersion: string;
  onProgress?: (done: string) => void;
  signal?: AbortSignal;
}

export interface RecomputeReport {
  runId: string;
  /** As the run was computed. */
  before: { preset: string; presetVersion: number; codeVersion: string };
  after: { preset: PresetName; presetVersion: number; codeVersion: string };
  /** Version of the new rows; null after a dry run. */
  version: number | null;
  recomputationId: number | null;
  summary: SummaryRow[];
  moves: DecisionMove[];
  /** Completions that only the new preset takes for questions: they were never answered, so nothing can be computed for them. */
  unasked: number;
}

/** Ends the transaction of a dry run after the report was read in it. */
class RolledBack extends Error {
  override readonly name = 'RolledBack';
}

/**
 * @throws RZeroError `RunNotFound`, `PresetInvalid`; `RunInputInvalid` when the run has nothing to recompute yet. Nothing is kept
 * when it throws or is aborted: all rows are written in one transaction.
 */
export async function recomputeRun(database: pg.Pool, request: RecomputeRequest): Promise<RecomputeReport> {
  let report: RecomputeReport | undefined;
  try {
    await transaction(database, async (client) => {
      await beginRecomputation(client);
      report = await recompute(client, database, request);
      if (request.dryRun) throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  return report as RecomputeReport;
}

async function recompute(
  client: pg.PoolClient,
  database: pg.Pool,
  request: RecomputeRequest,
): Promise<RecomputeReport> {
  const run = await getRun(client, request.runId);
  const method = await methodContext(database, run, request.preset);
  const { preset, policy } = method;
  const { codeVersion, dryRun } = request;
  const ref = await insertRecomputation(client, {
    runId: run.runId,
    preset: preset.name,
    presetVersion: preset.version,
    gate: policy,
    codeVersion,
  });
  const context: RecomputeContext = {
    ...method,
    client,
    configs: await readRunConfigs(client, run.runId),
    ref,
    unasked: 0,
    onProgress: request.onProgress ?? (() => undefined),
    signal: request.signal,
  };
  await recomputeChallenger(context);
  await recomputeDataset(context);
  await recomputeSolver(context);
  const summary = await readSummary(client, ref.recomputationId);
  if (summary.length === 0) {
    throw new RZeroError('RunInputInvalid', `Run "${run.runId}" has no votes, rewards or decisions yet.`, {
      field: 'runId',
      fix: 'Recompute it once an iteration has begun; `npx r-zero run list` tells how far each run is.',
    });
  }
  return {
    runId: run.runId,
    before: { preset: run.preset, presetVersion: run.presetVersion, codeVersion: run.codeVersion },
    after: { preset: preset.name, presetVersion: preset.version, codeVersion },
    version: dryRun ? null : ref.version,
    recomputationId: dryRun ? null : ref.recomputationId,
    summary,
    moves: await readMoves(client, ref.recomputationId),
    unasked: context.unasked,
  };
}
