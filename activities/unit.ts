/**
 * The shape that every shard and step shares: look whether it is finished, note the attempt, work under heartbeats, and
 * write all of its rows in one transaction with the unit's own row.
 */
import { Context } from '@temporalio/activity';
import type pg from 'pg';
import { behind } from './behind.ts';
import { readBudget } from './budget.ts';
import type { BudgetState, CheckpointRef, Phase, UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { CallOptions, EngineDescription, EngineProgress } from './engine/types.ts';
import { meterWork } from './generation-waste.ts';
import { holdLease, leaseLost } from './lease.ts';
import { asFailure, codeOf } from './failures.ts';
import { recordFailure, recordStart, recordUnit, watchHeartbeat } from './metrics.ts';
import { redactSecrets } from './redact.ts';
import type { RunConfig } from './run-input.ts';
import type { ModelProfile } from './profile.ts';
import { PHASE_ORDER } from './phases.ts';
import { withSmallerBatches } from './smaller-batches.ts';
import { getRun, noteEngine } from '../db/queries/runs.ts';
import type { RunRow } from '../db/queries/runs.ts';
import {
  commitUnit,
  endAttempt,
  findUnit,
  readMemoryFailures,
  readStanding,
  startAttempt,
  touchAttempt,
} from '../db/queries/units.ts';
import type { Place } from '../db/queries/units.ts';

export interface UnitContext {
  run: RunRow;
  config: RunConfig;
  profile: ModelProfile;
  place: Place;
  /** Cancellation and progress, for every call of the engine. */
  call: CallOptions;
  /** Counted while the unit goes on. */
  usage: { tokens: number };
}

export interface UnitOutcome {
  /** False for work on rows alone. */
  usesModel: boolean;
  metrics: Record<string, number>;
  /** Of the gate: questions by decision. */
  decisions?: Record<string, number>;
  /** That the unit made. */
  checkpoint?: CheckpointRef;
  /** Inserts the unit's rows; runs inside the transaction that also inserts the unit. */
  write: (client: pg.PoolClient) => Promise<void>;
}

/** Often enough that a dead worker is noticed soon, rare enough to cost nothing. */
const HEARTBEAT_MS = 2_000;
/** How exactly the time of an attempt is known whose worker was killed. */
const TOUCH_MS = 10_000;

export async function runUnit(
  deps: ActivityDependencies,
  phase: Phase,
  ref: UnitRef,
  work: (context: UnitContext) => Promise<UnitOutcome>,
): Promise<UnitResult> {
  let progress: Record<string, unknown> = { phase, unit: ref.unit };
  const onProgress = (report: EngineProgress) => (progress = { ...progress, ...report });
  return withHeartbeat(
    () => attemptUnit(deps, phase, ref, onProgress, work),
    () => progress,
  );
}

async function attemptUnit(
  deps: ActivityDependencies,
  phase: Phase,
  ref: UnitRef,
  onProgress: (report: EngineProgress) => void,
  work: (context: UnitContext) => Promise<UnitOutcome>,
): Promise<UnitResult> {
  const activity = Context.current();
  const here: Place = { runId: ref.runId, iteration: ref.iteration, phase, unit: ref.unit };
  let attemptId: number | undefined;
  let touching: NodeJS.Timeout | undefined;
  recordStart(here);
  try {
    const stored = await findUnit(deps.database, here);
    if (stored) return { reused: true, metrics: stored };
    const place = { ...here, take: await takeOf(deps, here) };
    const run = await getRun(deps.database, ref.runId);
    const owner = await holdLease(deps, ref);
    // The lease was waited for if another worker, taken for dead, was just writing this unit.
    const written = await findUnit(deps.database, here);
    if (written) return { reused: true, metrics: written };
    const before = await readBudget(deps.database, ref.runId);
    if (before?.exhausted !== undefined) return { reused: false, metrics: {}, untouched: true, budget: before };
    const begin = (): Promise<number> =>
      startAttempt(deps.database, {
        ...place,
        attempt: activity.info.attempt,
        workflowId: activity.info.workflowExecution?.workflowId ?? 'none',
        workerPid: process.pid,
      });
    const failures = await readMemoryFailures(deps.database, place);
    attemptId = await begin();
    touching = keepTouching(deps, () => attemptId as number);
    let usage = { tokens: 0 };
    const started = performance.now();
    const { result: outcome, halvings } = await withSmallerBatches(
      run.config as RunConfig,
      failures,
      async (error) => {
        await noteFailure(deps, attemptId as number, error, false);
        attemptId = await begin();
      },
      async (config) => {
        const meter = meterWork(onProgress);
        const call = { signal: activity.cancellationSignal, onProgress: meter.onProgress };
        // What was sampled before a failure is not part of the unit.
        usage = { tokens: 0 };
        const outcome = await work({ run, config, profile: run.profile as ModelProfile, place, call, usage });
        return { ...outcome, metrics: { ...outcome.metrics, ...meter.read() } };
      },
    );
    const metrics = { ...outcome.metrics, ...(halvings === 0 ? {} : { memoryHalvings: halvings }) };
    const seconds = (performance.now() - started) / 1000;
    const engine = outcome.usesModel ? await describeEngine(deps, run.config as RunConfig) : undefined;
    const commit = {
      attemptId,
      holder: owner,
      seconds,
      metrics,
      engine: engine ?? null,
      codeVersion: deps.codeVersion,
      inputVersion: run.inputVersion,
      tokens: usage.tokens,
    };
    const committed = await commitUnit(deps.database, place, commit, async (client) => {
      await outcome.write(client);
      if (engine && !run.engine) await noteEngine(client, ref.runId, engine);
    });
    if (committed === 'fenced') throw await leaseLost(deps, ref);
    if (committed === 'reset') throw behind('The plan that the unit was begun with');
    if (committed === 'written') recordUnit(place, { ...outcome, metrics, seconds, tokens: usage.tokens });
    const { checkpoint } = outcome;
    return {
      reused: committed === 'superseded',
      metrics,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...shown(await readBudget(deps.database, ref.runId)),
    };
  } catch (error) {
    const failure = asFailure(error, activity.info.attempt);
    recordFailure(here, codeOf(error));
    if (attemptId !== undefined) await noteFailure(deps, attemptId, error, activity.cancellationSignal.aborted);
    throw failure;
  } finally {
    clearInterval(touching);
  }
}

/**
 * The take of the unit's phase.
 *
 * @throws RZeroError `DatabaseBehind` when what comes before the unit is not there: the unit would go on from something else than
 *   it should, and end with other rows than an undisturbed run
 */
async function takeOf({ database }: ActivityDependencies, place: Place): Promise<number> {
  const before = PHASE_ORDER.slice(0, PHASE_ORDER.indexOf(place.phase));
  const { take, missing } = await readStanding(database, place, before);
  if (take !== undefined && missing <= 0) return take;
  throw behind(take === undefined ? 'The plan of the iteration' : `Work of ${missing} shards or steps before it`);
}

function describeEngine({ engine }: ActivityDependencies, { threads }: RunConfig): Promise<EngineDescription> {
  return engine.describe(threads === undefined ? {} : { threads });
}

function shown(budget: BudgetState | undefined): { budget?: BudgetState } {
  return budget === undefined ? {} : { budget };
}

/** A sign of life that is lost makes a time less exact, and nothing else. */
function keepTouching({ database }: ActivityDependencies, attempt: () => number): NodeJS.Timeout {
  return setInterval(() => void touchAttempt(database, attempt()).catch(() => undefined), TOUCH_MS);
}

/** Signs of life while `work` goes on. @param details what to say; asked for at every beat */
export async function withHeartbeat<T>(work: () => Promise<T>, details?: () => unknown): Promise<T> {
  const { heartbeat } = Context.current();
  const noteLag = watchHeartbeat(HEARTBEAT_MS);
  const beat = setInterval(() => {
    noteLag();
    heartbeat(details?.());
  }, HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}

/** The failure itself matters more than its record: when the database is what failed, the record is lost with it. */
async function noteFailure(
  deps: ActivityDependencies,
  attemptId: number,
  error: unknown,
  cancelled: boolean,
): Promise<void> {
  const message = redactSecrets(error instanceof Error ? error.message : String(error)).slice(0, 1000);
  await endAttempt(deps.database, attemptId, cancelled ? 'cancelled' : 'failed', {
    code: codeOf(error),
    message,
  }).catch(() => undefined);
}
