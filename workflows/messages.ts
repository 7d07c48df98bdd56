/**
 * What one may say to a running `rZeroRun`: updates for people, a query, and the two signals that run and iteration use
 * between themselves. Every message takes one optional JSON object, because that is what the Temporal UI can send.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type {
  AlarmVerdict,
  Budget,
  BudgetState,
  CheckpointRef,
  IterationSummary,
  Phase,
  RunInput,
  RunStatus,
} from '../activities/contract.ts';
import type { Facts } from './phase-facts.ts';
import type { TimeLeft } from './time-left.ts';

export interface PauseRequest {
  /** Shown in the Temporal UI and kept in the run's row. At most 200 characters. */
  reason?: string;
}

export interface ResumeRequest {
  /** Shown in the Temporal UI. At most 200 characters. */
  reason?: string;
  /** Settings to go on with, such as `{"microBatch": 32}`: how work is cut, what is kept, and the gate. @default those it has */
  input?: RunInput;
  /** Who asks for it, recorded with changed settings. */
  by?: string;
}

export interface ResetToRequest {
  /** The first iteration that is done again. */
  iteration: number;
  /** Its first phase that is done again, such as `labelling`. */
  phase: Phase;
  /** Recorded with the reset. At most 200 characters. */
  reason?: string;
  /** Settings to go on with. @default those it has */
  input?: RunInput;
  /** Who asks for it, for the record. */
  by?: string;
  /** Needed while the run is at work: the shard or step at work is given up. @default false */
  stop?: boolean;
}

export interface ExtendRequest {
  /** New total number of iterations; must be larger than the present one. @default one more */
  iterations?: number;
}

export interface CancelAfterPhaseRequest {
  /** Shown in the Temporal UI and kept in the run's row. At most 200 characters. */
  reason?: string;
}

/** In seconds from `asOf` on. */
export interface RunTimeLeft {
  /** When it was reckoned, in milliseconds since 1970. */
  asOf: number;
  phase?: number;
  iteration?: number;
  run?: number;
}

/** Answer of the query `status` and of every update. */
export interface RunStatusView {
  runId: string;
  status: RunStatus;
  /** Why the run is paused, parked or cancelled; after `resume`, the reason that was given for it. */
  reason?: string;
  /** The iteration at work; 0 is the evaluation of the base model. Absent until the run is open. */
  iteration?: number;
  /** Total number of iterations planned. Absent until the run is open. */
  iterations?: number;
  phase?: Phase;
  /** Finished shards or steps of the phase. */
  unit?: number;
  units?: number;
  /** True when the run was known before this workflow, and is continued from what is stored. */
  resumed: boolean;
  /** Share of the whole run that is done, 0 to 1. */
  progress: number;
  /** True from the moment a pause is asked for until `resume`; the shard or step at work still ends. */
  pauseRequested: boolean;
  cancelAfterPhaseRequested: boolean;
  /** What this start may spend and has spent; absent when nothing limits it. */
  budget?: BudgetState;
  /** Numbers of the last finished shard or step. */
  lastMetrics: Record<string, number>;
  /** Counts and sums over the finished units of the iteration at work. */
  facts?: Facts;
  /** Reckoned from what was done before; absent when the run stands still. */
  timeLeft?: RunTimeLeft;
  /** Alarms raised in the iteration at work, by name. */
  alarms?: string[];
  /** The newest of this workflow. */
  checkpoint?: CheckpointRef;
  /** Iterations that ended under this workflow, oldest first. */
  summaries: IterationSummary[];
}

/** Result of `rZeroRun`. */
export interface RunResult {
  runId: string;
  /** `waiting`: its budget is spent, and the next start goes on. */
  status: Extract<RunStatus, 'completed' | 'cancelled' | 'waiting'>;
  /** Total number of iterations planned. */
  iterations: number;
  /** How many iterations this workflow finished, the base model's evaluation included. */
  finished: number;
  /** What happened, in one sentence; says so when there was nothing left to do. */
  message: string;
  summaries: IterationSummary[];
}

/** Result of `rZeroIteration`. */
export interface IterationOutcome extends IterationSummary {
  /** True when it ended before its work was done: by `cancelAfterPhase`, or because the budget is spent. */
  stopped: boolean;
  /** Set when the budget is spent, if only with the last unit. */
  budget?: BudgetState;
  /** Set when an alarm ended it. */
  alarm?: AlarmVerdict;
}

/** The run's orders to the iteration at work. Absolute, so that only the newest version counts. */
export interface IterationControl {
  version: number;
  paused: boolean;
  cancelAfterPhase: boolean;
  /** How often `resume` was sent; a parked iteration waits for this to grow. */
  resumes: number;
  /** The person's reason for each order, absent when none was given. */
  pauseReason?: string;
  resumeReason?: string;
  cancelReason?: string;
}

/** The iteration's report to its run. */
export interface IterationReport {
  iteration: number;
  status: Extract<RunStatus, 'running' | 'paused' | 'parked'>;
  reason?: string;
  /** `resumes` of the control that the iteration had seen: tells a stale "parked" from a fresh one. */
  resumes: number;
  phase?: Phase;
  /** Finished shards or steps of the phase. */
  unit: number;
  units: number;
  /** Share of the iteration that is done, 0 to 1. */
  progress: number;
  /** Numbers of the last finished shard or step. */
  metrics: Record<string, number>;
  /** Over the finished units of each phase; absent in histories of before there were such. */
  facts?: Facts;
  left?: TimeLeft;
  /** The newest. */
  checkpoint?: CheckpointRef;
  /** Raised in this iteration, by name. */
  alarms?: string[];
  /** After it, when this start has a budget. */
  budget?: BudgetState;
}

/** What an experiment ends with. */
export interface ExperimentResult {
  experimentId: string;
  /** Number of runs, those of earlier starts included. */
  runs: number;
  /** Runs that have all their iterations. */
  finished: number;
  /** Runs that ended without, and why; the next start of the experiment tries them again. */
  troubles: { runId: string; reason: string }[];
}

/** What a run tells the workflow that started it as its child, when it waits for a person. */
export interface RunParked {
  runId: string;
  reason: string;
}

/** Input of `rZeroNightly`. */
export interface NightlyInput {
  /** The run to advance. @default the id of the schedule, else the workflow's own */
  runId?: string;
  /** How many more iterations to finish, one that was begun before included. @default 1 */
  iterations?: number;
  /** What the night may spend. @default no limit */
  budget?: Budget;
  /**
   * Settings with which the run is made when there is none of that name. Without them a run that is named must exist.
   * @default the demo's settings when `runId` is left out
   */
  run?: RunInput;
}

/** Result of `rZeroNightly`. */
export interface NightResult {
  runId: string;
  /** `skipped`: the run was going on already, or stood still on somebody's order. */
  status: RunResult['status'] | 'skipped';
  /** Iterations that the night finished, the base model's evaluation included. */
  finished: number;
  /** What happened, in one sentence. */
  message: string;
}

export const pauseUpdate = defineUpdate<RunStatusView, [PauseRequest | undefined]>('pause');
export const resumeUpdate = defineUpdate<RunStatusView, [ResumeRequest | undefined]>('resume');
export const resetToUpdate = defineUpdate<RunStatusView, [ResetToRequest]>('resetTo');
export const extendUpdate = defineUpdate<RunStatusView, [ExtendRequest | undefined]>('extend');
export const cancelAfterPhaseUpdate = defineUpdate<RunStatusView, [CancelAfterPhaseRequest | undefined]>(
  'cancelAfterPhase',
);
export const statusQuery = defineQuery<RunStatusView>('status');

/** Run to iteration. Not for people: use the updates. */
export const iterationControlSignal = defineSignal<[IterationControl]>('iterationControl');
/** Iteration to run. Not for people. */
export const iterationReportSignal = defineSignal<[IterationReport]>('iterationReport');
/** Run to the workflow that started it as its child. Not for people. */
export const runParkedSignal = defineSignal<[RunParked]>('runParked');
