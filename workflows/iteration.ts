/** `rZeroIteration`: one Challenger round and one Solver round, or the base model's evaluation, unit by unit. */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  AlarmVerdict,
  BudgetState,
  CheckpointRef,
  IterationRef,
  IterationSummary,
  OrchestrationActivities,
  Phase,
  PhasePlan,
  UnitRef,
  UnitResult,
} from '../activities/contract.ts';
import {
  ALARM_OPTIONS,
  DATABASE_OPTIONS,
  PRUNE_OPTIONS,
  STATUS_NOTE_OPTIONS,
  SUMMARY_OPTIONS,
} from './activity-options.ts';
import { describeFailure, isBehind, isOwnCancellation, isParkable, isTakenOver, rethrowable } from './failures.ts';
import { createReporter } from './iteration-reports.ts';
import type { Reporter } from './iteration-reports.ts';
import { iterationControlSignal } from './messages.ts';
import type { IterationControl, IterationOutcome, IterationReport } from './messages.ts';
import { showBudget } from './metrics.ts';
import { SHOWN_METRICS, storedFacts, withUnit } from './phase-facts.ts';
import type { Facts } from './phase-facts.ts';
import { iterationTitle, renderIteration } from './progress.ts';
import { describe, isRecord } from './run-request.ts';
import { rowReason } from './run-state.ts';
import { PHASE_ATTRIBUTE } from './search-attributes.ts';
import { timeLeft } from './time-left.ts';
import type { Paces } from './time-left.ts';
import { PHASES, unitSummary } from './units.ts';

/** Reports per phase beside its start: each costs the run and the iteration some events of history. */
const REPORTS_PER_PHASE = 10;
/** Numbers of one unit that are passed on; a report stays far below two kilobytes. */
const MOST_METRICS = 32;

const database = proxyActivities<OrchestrationActivities>(DATABASE_OPTIONS);
const alarms = proxyActivities<OrchestrationActivities>(ALARM_OPTIONS);
const retention = proxyActivities<OrchestrationActivities>(PRUNE_OPTIONS);
const summaries = proxyActivities<OrchestrationActivities>(SUMMARY_OPTIONS);
const notes = proxyActivities<OrchestrationActivities>(STATUS_NOTE_OPTIONS);

interface IterationState {
  ref: IterationRef;
  control: IterationControl;
  phases: PhasePlan[];
  done: Partial<Record<Phase, number>>;
  /** Units whose result was there before this execution asked for it. */
  reused: number;
  phase: PhasePlan | undefined;
  status: IterationReport['status'];
  reason: string | undefined;
  metrics: Record<string, number>;
  facts: Facts;
  /** How long units took that this execution asked for. */
  paces: Paces;
  /** The newest. */
  checkpoint: CheckpointRef | undefined;
  /** After the last unit; undefined when this start has no budget. */
  budget: BudgetState | undefined;
  /** Raised so far. */
  alarms: string[];
  /** The phase whose alarms were heeded last. */
  heeded: Phase | undefined;
  /** What ends the iteration, when an alarm does. */
  alarm: AlarmVerdict | undefined;
  reporter: Reporter;
}

/** What survives continue-as-new. */
interface CarriedIteration {
  /** Whoever resumed the run for its alarms is not asked again. */
  heeded?: Phase;
}

/** Returned instead of a result when the run asked to end while the iteration stood still. */
const STOPPED = Symbol('stopped');

/**
 * Runs what is left of one iteration. Started by `rZeroRun`, which steers it and holds the run's lease.
 *
 * @param ref run and iteration; 0 is the base model's evaluation
 * @param control the run's orders at the start; later ones come by signal
 * @param carried state handed on by continue-as-new
 * @throws ApplicationFailure `RunInputInvalid` when it is started by hand
 */
export async function rZeroIteration(
  ref: Pick<IterationRef, 'runId' | 'iteration'>,
  control?: IterationControl,
  carried?: CarriedIteration,
): Promise<IterationOutcome> {
  const { parent } = workflowInfo();
  if (parent === undefined) {
    throw ApplicationFailure.nonRetryable(
      'rZeroIteration works for a run only. Start rZeroRun with {"runId": "..."}: it continues where the run stopped.',
      'RunInputInvalid',
    );
  }
  const state = createState(checkRef(ref, parent.workflowId), control, createReporter(parent.workflowId));
  state.heeded = carried?.heeded;
  setHandler(
    iterationControlSignal,
    (next) => {
      if (next.version > state.control.version) state.control = next;
    },
    { description: 'Sent by the run to its iteration; not for people.' },
  );
  const finished = await work(state);
  await state.reporter.settled();
  return finished;
}

async function work(state: IterationState): Promise<IterationOutcome> {
  const { ref } = state;
  show(state);
  const plan = await attempt(state, 'begin', () =>
    database.beginIteration.executeWithOptions({ summary: `begin iteration ${ref.iteration}` }, [
      { ...ref, show: SHOWN_METRICS },
    ]),
  );
  if (plan === STOPPED) return stopped(state);
  state.phases = plan.phases;
  state.facts = Object.fromEntries(
    plan.phases.flatMap(({ phase, stored: found }) =>
      found === undefined ? [] : [[phase, storedFacts(phase, found.units, found.sums)]],
    ),
  );
  state.reused = plan.phases.reduce((sum, { units, nextUnit }) => sum + Math.min(units, nextUnit), 0);
  // The execution before may have ended between a phase and its alarms.
  const open = plan.phases.findIndex(({ units, nextUnit }) => nextUnit < units);
  const before = plan.phases.at(open === -1 ? plan.phases.length - 1 : open - 1);
  if (before && open !== 0 && before.phase !== state.heeded && !(await heedAlarms(state, before.phase)))
    return stopped(state);
  for (const [index, phase] of plan.phases.entries()) {
    if (phase.nextUnit >= phase.units) continue;
    if (!(await runPhase(state, phase))) return stopped(state);
    if (!(await heedAlarms(state, phase.phase))) return stopped(state);
    const last = index === plan.phases.length - 1;
    if (state.control.cancelAfterPhase && !last) return stopped(state);
  }
  // The base model's evaluation leaves no checkpoint.
  if (ref.iteration > 0) {
    const pruned = await attempt(state, 'prune checkpoints', () =>
      retention.pruneCheckpoints.executeWithOptions({ summary: `prune after iteration ${ref.iteration}` }, [ref]),
    );
    if (pruned === STOPPED) return stopped(state);
  }
  const summary = await attempt(state, 'finish', () =>
    summaries.finishIteration.executeWithOptions({ summary: `finish iteration ${ref.iteration}` }, [ref]),
  );
  if (summary === STOPPED) return stopped(state);
  return outcome(state, firstOf(summary.metrics), false);
}

/** False when the run shall end before the phase does. */
async function runPhase(state: IterationState, phase: PhasePlan): Promise<boolean> {
  const { units } = phase;
  state.phase = phase;
  upsertSearchAttributes([{ key: PHASE_ATTRIBUTE, value: phase.phase }]);
  report(state);
  const reportEvery = Math.max(1, Math.ceil(units / REPORTS_PER_PHASE));
  for (let unit = phase.nextUnit; unit < units; unit += 1) {
    while (state.control.paused) {
      if ((await standStill(state, 'paused', state.control.pauseReason)) === STOPPED) return false;
    }
    if (workflowInfo().continueAsNewSuggested) await renew(state);
    const summary = unitSummary(phase.phase, unit, units);
    const result = await attempt(state, summary, () => timed(state, phase.phase, { ...state.ref, unit }, summary));
    if (result === STOPPED) return false;
    if (result.budget !== undefined) {
      state.budget = result.budget;
      showBudget(state.ref.runId, result.budget);
    }
    if (result.untouched) return endOfBudget(state);
    state.metrics = firstOf(result.metrics);
    state.facts = withUnit(state.facts, phase.phase, result.metrics);
    state.checkpoint = result.checkpoint ?? state.checkpoint;
    state.done[phase.phase] = unit + 1;
    if (result.reused) state.reused += 1;
    if ((unit + 1) % reportEvery === 0 || unit + 1 === units) report(state);
    else show(state);
    if (state.budget?.exhausted !== undefined && !isWhole(state)) return endOfBudget(state);
  }
  return true;
}

/** Runs a unit and notes how long it took; one that was stored already tells nothing of that. */
async function timed(state: IterationState, phase: Phase, ref: UnitRef, summary: string): Promise<UnitResult> {
  const started = Date.now();
  const result = await PHASES[phase].runUnit(ref, summary);
  if (result.reused || result.untouched) return result;
  const { seconds, units } = state.paces[phase] ?? { seconds: 0, units: 0 };
  state.paces[phase] = { seconds: seconds + (Date.now() - started) / 1000, units: units + 1 };
  return result;
}

/** False when an alarm ends the iteration, or a person does while it stands still for one. */
async function heedAlarms(state: IterationState, phase: Phase): Promise<boolean> {
  const goesOn = await askAlarms(state, phase);
  if (goesOn) state.heeded = phase;
  return goesOn;
}

async function askAlarms(state: IterationState, phase: Phase): Promise<boolean> {
  const { ref } = state;
  // The base model is what others are compared with, and the gate's decisions show in what comes of them.
  if (ref.iteration === 0 || phase === 'gating' || !patched('alarms')) return true;
  const verdict = await attempt(state, 'alarms', () =>
    alarms.checkAlarms.executeWithOptions({ summary: `alarms of ${PHASES[phase].title}` }, [{ ...ref, phase }]),
  );
  if (verdict === STOPPED) return false;
  state.alarms.push(...verdict.raised);
  switch (verdict.action) {
    case 'none':
      if (verdict.raised.length > 0) report(state);
      return true;
    case 'pause':
      return (await standStill(state, 'parked', verdict.reason)) !== STOPPED;
    default:
      state.alarm = verdict;
      return false;
  }
}

function endOfBudget(state: IterationState): false {
  report(state);
  return false;
}

/** True when no unit of any phase is left: then nothing but the summary is missing, whatever was spent. */
function isWhole(state: IterationState): boolean {
  return state.phases.every((plan) => doneIn(state, plan) >= plan.units);
}

/** Calls an activity until it succeeds; when Temporal gives up on it, the iteration stands still until `resume`. */
async function attempt<T>(state: IterationState, what: string, call: () => Promise<T>): Promise<T | typeof STOPPED> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (isOwnCancellation(error) || !isParkable(error)) throw error;
      // The run decides where to go on; after a reset or a restored database that may be another iteration.
      if (isTakenOver(error) || isBehind(error)) throw rethrowable(error);
      const reason = `${iterationTitle(state.ref.iteration)}, ${what}: ${describeFailure(error)}`;
      if ((await standStill(state, 'parked', reason)) === STOPPED) return STOPPED;
    }
  }
}

/** Waits for a person: `resume` after a pause or a failure, or the order to end the run. */
async function standStill(
  state: IterationState,
  status: 'paused' | 'parked',
  reason: string | undefined,
): Promise<typeof STOPPED | undefined> {
  const seen = state.control.resumes;
  await note(state, status, reason);
  await condition(() => {
    const { control } = state;
    return control.cancelAfterPhase || control.resumes > seen;
  });
  if (state.control.cancelAfterPhase) return STOPPED;
  await note(state, 'running', state.control.resumeReason);
  return undefined;
}

async function note(
  state: IterationState,
  status: IterationReport['status'],
  reason: string | undefined,
): Promise<void> {
  state.status = status;
  state.reason = reason;
  report(state);
  const { runId, holder } = state.ref;
  const change = { runId, holder, status, ...rowReason(status, reason) };
  try {
    await notes.setRunStatus.executeWithOptions({ summary: `note: ${status}` }, [change]);
  } catch (error) {
    if (isOwnCancellation(error) || !isParkable(error)) throw error;
    if (isTakenOver(error)) throw rethrowable(error);
    // Temporal shows the state; the row follows with the next note.
    log.warn('The run row could not be updated.', { status, failure: describeFailure(error) });
  }
}

/** A fresh history for a very long iteration. Little is carried: the plan is read from Postgres again. */
async function renew(state: IterationState): Promise<never> {
  await state.reporter.settled();
  await condition(allHandlersFinished);
  const { heeded } = state;
  const carry: CarriedIteration = heeded === undefined ? {} : { heeded };
  return await continueAsNew<typeof rZeroIteration>(state.ref, state.control, carry);
}

function stopped(state: IterationState): IterationOutcome {
  return outcome(state, {}, true);
}

function outcome(state: IterationState, metrics: IterationSummary['metrics'], isStopped: boolean): IterationOutcome {
  const { ref, budget, alarm } = state;
  const spent = budget?.exhausted === undefined ? {} : { budget };
  const ended = alarm === undefined ? {} : { alarm };
  return { runId: ref.runId, iteration: ref.iteration, metrics, stopped: isStopped, ...spent, ...ended };
}

function createState(ref: IterationRef, control: IterationControl | undefined, reporter: Reporter): IterationState {
  return {
    ref,
    control: control ?? { version: 0, paused: false, cancelAfterPhase: false, resumes: 0 },
    phases: [],
    done: {},
    reused: 0,
    phase: undefined,
    status: 'running',
    reason: undefined,
    metrics: {},
    facts: {},
    paces: {},
    checkpoint: undefined,
    budget: undefined,
    alarms: [],
    heeded: undefined,
    alarm: undefined,
    reporter,
  };
}

function checkRef(ref: unknown, holder: string): IterationRef {
  if (isRecord(ref)) {
    const { runId, iteration } = ref;
    if (typeof runId === 'string' && typeof iteration === 'number' && Number.isInteger(iteration) && iteration >= 0) {
      return { runId, iteration, holder };
    }
  }
  throw ApplicationFailure.nonRetryable(
    `rZeroIteration needs {"runId": text, "iteration": whole number}, not ${describe(ref)}.`,
    'RunInputInvalid',
  );
}

/** Details on the iteration's own page; free, no event. */
function show(state: IterationState): IterationReport {
  const snapshot = snapshotOf(state);
  const { ref, phases, done, reused } = state;
  setCurrentDetails(renderIteration({ ...ref, report: snapshot, phases, done, reused }));
  return snapshot;
}

function report(state: IterationState): void {
  state.reporter.send(show(state));
}

function snapshotOf(state: IterationState): IterationReport {
  const { ref, control, phase, status, reason, metrics, facts, checkpoint } = state;
  const units = state.phases.reduce((sum, plan) => sum + plan.units, 0);
  const done = state.phases.reduce((sum, plan) => sum + doneIn(state, plan), 0);
  return {
    iteration: ref.iteration,
    status,
    ...(reason === undefined ? {} : { reason }),
    resumes: control.resumes,
    ...(phase === undefined ? {} : { phase: phase.phase }),
    unit: phase === undefined ? 0 : doneIn(state, phase),
    units: phase?.units ?? 0,
    progress: units === 0 ? 0 : done / units,
    metrics,
    facts,
    left: timeLeft(state.phases, (plan) => doneIn(state, plan), state.paces, phase?.phase),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(state.alarms.length === 0 ? {} : { alarms: state.alarms }),
    ...(state.budget === undefined ? {} : { budget: state.budget }),
  };
}

function doneIn(state: IterationState, { phase, units, nextUnit }: PhasePlan): number {
  return state.done[phase] ?? Math.min(nextUnit, units);
}

function firstOf(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).slice(0, MOST_METRICS));
}
