/** What a run knows about itself while it goes on, and how it is shown: query, live details, search attributes. */
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { BudgetState, CheckpointRef, IterationSummary, RunPlan, RunStatus } from '../activities/contract.ts';
import type { IterationControl, IterationReport, RunStatusView, RunTimeLeft } from './messages.ts';
import { countIteration, countStatus, showIteration } from './metrics.ts';
import { renderRun } from './progress.ts';
import { ITERATION_ATTRIBUTE, PHASE_ATTRIBUTE, RUN_ID_ATTRIBUTE, STATUS_ATTRIBUTE } from './search-attributes.ts';

/** Summaries kept in memory and carried over; the rest is in Postgres. */
const MOST_SUMMARIES = 50;

/** What survives continue-as-new. */
export interface CarriedRun {
  control: IterationControl;
  summaries: IterationSummary[];
  finished: number;
  resumed: boolean;
  /** Absent from histories of before there were budgets. */
  finishedInBudget?: number;
}

export interface RunState {
  runId: string;
  status: RunStatus;
  reason: string | undefined;
  /** Undefined until `openRun` has answered. */
  plan: RunPlan | undefined;
  iteration: number | undefined;
  report: IterationReport | undefined;
  /** When it came, in milliseconds. */
  reportedAt: number;
  /** The newest that was reported. */
  checkpoint: CheckpointRef | undefined;
  control: IterationControl;
  summaries: IterationSummary[];
  /** Iterations ended under this workflow id, continue-as-new included. */
  finished: number;
  /** Iterations ended by this start, the base model's evaluation not counted. */
  finishedInBudget: number;
  /** What this start may spend and has spent. */
  budget: BudgetState | undefined;
  /** Why an alarm ends the run. */
  stoppedBy: string | undefined;
  /** True from a reset until the run has gone back to where it is to go on. */
  reset: boolean;
  /** True when all iterations are behind it and only its end is being stored. */
  closing: boolean;
  /** True when the run was known before this workflow, and is continued. */
  resumed: boolean;
  shown: { status?: RunStatus; iteration?: number; phase?: string };
}

export function createRunState(runId: string, carried: CarriedRun | undefined): RunState {
  return {
    runId,
    status: 'running',
    reason: undefined,
    plan: undefined,
    iteration: undefined,
    report: undefined,
    reportedAt: 0,
    checkpoint: undefined,
    control: carried?.control ?? { version: 0, paused: false, cancelAfterPhase: false, resumes: 0 },
    summaries: carried?.summaries ?? [],
    finished: carried?.finished ?? 0,
    finishedInBudget: carried?.finishedInBudget ?? 0,
    budget: undefined,
    stoppedBy: undefined,
    reset: false,
    closing: false,
    resumed: false,
    shown: {},
  };
}

export function addSummary(state: RunState, summary: IterationSummary): void {
  const others = state.summaries.filter((known) => known.iteration !== summary.iteration);
  state.summaries = [...others, summary].slice(-MOST_SUMMARIES);
  state.finished += 1;
  if (summary.iteration > 0) state.finishedInBudget += 1;
  countIteration(summary);
}

export function viewOf(state: RunState): RunStatusView {
  const { plan, report, iteration } = state;
  return {
    runId: state.runId,
    status: state.status,
    ...(state.reason === undefined ? {} : { reason: state.reason }),
    ...(iteration === undefined ? {} : { iteration }),
    ...(plan === undefined ? {} : { iterations: plan.iterations }),
    ...(report?.phase === undefined ? {} : { phase: report.phase, unit: report.unit, units: report.units }),
    resumed: state.resumed,
    progress: progressOf(state),
    pauseRequested: state.control.paused,
    cancelAfterPhaseRequested: state.control.cancelAfterPhase,
    ...(state.budget === undefined ? {} : { budget: state.budget }),
    lastMetrics: report?.metrics ?? {},
    ...(report?.facts === undefined ? {} : { facts: report.facts }),
    ...timeLeftOf(state),
    ...(report?.alarms === undefined ? {} : { alarms: report.alarms }),
    ...(state.checkpoint === undefined ? {} : { checkpoint: state.checkpoint }),
    summaries: state.summaries,
  };
}

/** Iterations cost alike; what cannot be told yet is left out. */
function timeLeftOf({ plan, report, reportedAt, status }: RunState): { timeLeft?: RunTimeLeft } {
  if (plan === undefined || report?.left === undefined || status !== 'running') return {};
  const { phase, iteration, wholeIteration } = report.left;
  const later = plan.iterations - report.iteration;
  const run =
    iteration === undefined || (later > 0 && (wholeIteration === undefined || report.iteration === 0))
      ? undefined
      : iteration + later * (wholeIteration ?? 0);
  if (phase === undefined && iteration === undefined) return {};
  return {
    timeLeft: {
      asOf: reportedAt,
      ...(phase === undefined ? {} : { phase }),
      ...(iteration === undefined ? {} : { iteration }),
      ...(run === undefined ? {} : { run }),
    },
  };
}

/** Brings the live details up to date, and those search attributes that changed (each upsert is an event). */
export function show(state: RunState): void {
  setCurrentDetails(renderRun(viewOf(state)));
  // Before `openRun` has accepted the run id, it may be anything, even too long for an attribute.
  if (state.plan === undefined) return;
  const { shown, iteration } = state;
  const phase = state.report?.phase;
  const changed = [
    ...(shown.status === undefined ? [{ key: RUN_ID_ATTRIBUTE, value: state.runId }] : []),
    ...(shown.status === state.status ? [] : [{ key: STATUS_ATTRIBUTE, value: state.status }]),
    ...(iteration === undefined || shown.iteration === iteration
      ? []
      : [{ key: ITERATION_ATTRIBUTE, value: iteration }]),
    ...(phase === undefined || shown.phase === phase ? [] : [{ key: PHASE_ATTRIBUTE, value: phase }]),
  ];
  if (shown.status !== state.status) countStatus(state.runId, state.status);
  if (iteration !== undefined && shown.iteration !== iteration) showIteration(state.runId, iteration);
  if (changed.length === 0) return;
  upsertSearchAttributes(changed);
  state.shown = {
    status: state.status,
    ...(iteration === undefined ? {} : { iteration }),
    ...(phase === undefined ? {} : { phase }),
  };
}

/** The row says why a run stands still or has ended; why it was resumed is for the Temporal UI alone. */
export function rowReason(status: RunStatus, reason: string | undefined): { reason?: string } {
  return status === 'running' || reason === undefined ? {} : { reason };
}

/** Iterations count alike, the base model's evaluation included. */
function progressOf(state: RunState): number {
  const { plan } = state;
  if (plan === undefined) return 0;
  if (state.status === 'completed') return 1;
  const done = (state.iteration ?? plan.nextIteration) + (state.report?.progress ?? 0);
  return Math.min(1, done / (plan.iterations + 1));
}
