/** Handlers and validators of the updates, the query and the iteration's reports, as `rZeroRun` registers them. */
import { ActivityFailure, log, setHandler } from '@temporalio/workflow';
import type { RunInput, RunPlan, RunStatus } from '../activities/contract.ts';
import { rethrowable } from './failures.ts';
import {
  cancelAfterPhaseUpdate,
  extendUpdate,
  iterationReportSignal,
  pauseUpdate,
  resetToUpdate,
  resumeUpdate,
  statusQuery,
} from './messages.ts';
import type {
  CancelAfterPhaseRequest,
  ExtendRequest,
  IterationControl,
  IterationReport,
  PauseRequest,
  ResetToRequest,
  ResumeRequest,
} from './messages.ts';
import { invalid } from './run-request.ts';
import { show, viewOf } from './run-state.ts';
import type { RunState } from './run-state.ts';
import { checkExtension, checkInput, checkRequest, checkReset } from './update-requests.ts';

const ENDED: ReadonlySet<RunStatus> = new Set(['completed', 'cancelled', 'failed', 'waiting']);

export interface RunActions {
  /** Stores the new total; the answer is the new plan. */
  extend: (iterations: number) => Promise<RunPlan>;
  /** Stores changed settings. */
  changeInput: (request: ResumeRequest & { input: RunInput }) => Promise<void>;
  /** Stores a reset, and stops what is at work; the answer is the plan from there. */
  resetTo: (request: ResetToRequest) => Promise<RunPlan>;
  /** Sends the present control to the iteration at work, if there is one. */
  pushControl: () => Promise<void>;
  /** Tells the workflow that started the run, if there is one; never throws, never waits. */
  tellParked: (reason: string) => void;
}

/** Must run before the first `await` of the workflow, so that no message arrives early. */
export function registerRunMessages(state: RunState, actions: RunActions): void {
  setHandler(statusQuery, () => viewOf(state), {
    description: 'Status, iteration, phase, progress and numbers of the run.',
  });

  setHandler(
    pauseUpdate,
    async (request?: PauseRequest) => {
      order(state, { paused: true }, { pauseReason: request?.reason });
      await actions.pushControl();
      return viewOf(state);
    },
    {
      description: 'Pause after the shard or step at work. Optional: {"reason": "why"}',
      validator: (request?: PauseRequest) => {
        checkRequest('pause', request, ['reason']);
        checkNotEnded(state, 'pause');
        checkNotClosing(state);
        if (state.status === 'parked') {
          throw invalid('The run is parked already.', 'Send resume when the cause is mended, or cancelAfterPhase.');
        }
      },
    },
  );

  setHandler(
    resumeUpdate,
    async (request?: ResumeRequest) => {
      const { input } = request ?? {};
      if (input !== undefined) await coded(actions.changeInput({ ...request, input }));
      state.status = 'running';
      state.reason = request?.reason;
      const resumes = state.control.resumes + 1;
      order(state, { paused: false, resumes }, { pauseReason: undefined, resumeReason: request?.reason });
      await actions.pushControl();
      return viewOf(state);
    },
    {
      description:
        'Go on after a pause, or try the failed unit again after the run was parked. Optional: {"reason": "why", "input": {"microBatch": 32}}, to go on with smaller batches or another gate.',
      validator: (request?: ResumeRequest) => {
        checkRequest('resume', request, ['reason', 'input', 'by']);
        checkInput(request?.input);
        checkNotEnded(state, 'resume');
        if (state.status !== 'parked' && !state.control.paused) {
          throw invalid('The run is neither paused nor parked.', 'There is nothing to resume.');
        }
      },
    },
  );

  setHandler(
    resetToUpdate,
    async (request: ResetToRequest) => {
      const plan = await coded(actions.resetTo(request));
      state.plan = plan;
      state.summaries = state.summaries.filter(({ iteration }) => iteration < plan.nextIteration);
      state.report = undefined;
      state.status = 'running';
      state.reason = request.reason;
      // Whatever stands still goes on, from the place that it was reset to.
      const resumes = state.control.resumes + 1;
      order(state, { paused: false, resumes }, { pauseReason: undefined, resumeReason: request.reason });
      return viewOf(state);
    },
    {
      description:
        'Do everything again from a phase on: {"iteration": 2, "phase": "labelling"}. Optional: "reason", "input" (settings to go on with), "stop": true while the run is at work. Earlier rows stay, marked as superseded.',
      validator: (request: ResetToRequest) => {
        checkRequest('resetTo', request, ['iteration', 'phase', 'reason', 'input', 'by', 'stop']);
        checkNotEnded(state, 'resetTo');
        checkNotClosing(state);
        checkMayReset(state, request);
      },
    },
  );

  setHandler(
    extendUpdate,
    async (request?: ExtendRequest) => {
      const planned = plannedIterations(state);
      const plan = await coded(actions.extend(request?.iterations ?? planned + 1));
      if (state.plan) state.plan = { ...state.plan, iterations: Math.max(state.plan.iterations, plan.iterations) };
      show(state);
      return viewOf(state);
    },
    {
      description: 'Plan more iterations: {"iterations": 5} is the new total; empty adds one.',
      validator: (request?: ExtendRequest) => {
        checkRequest('extend', request, ['iterations']);
        checkNotEnded(state, 'extend');
        checkNotClosing(state);
        checkExtension(request, plannedIterations(state));
      },
    },
  );

  setHandler(
    cancelAfterPhaseUpdate,
    async (request?: CancelAfterPhaseRequest) => {
      order(state, { cancelAfterPhase: true }, { cancelReason: request?.reason });
      await actions.pushControl();
      return viewOf(state);
    },
    {
      description:
        'End the run when its present phase is finished; at once when it is paused or parked. Optional: {"reason": "why"}',
      validator: (request?: CancelAfterPhaseRequest) => {
        checkRequest('cancelAfterPhase', request, ['reason']);
        checkNotEnded(state, 'cancelAfterPhase');
      },
    },
  );

  setHandler(iterationReportSignal, (report) => takeReport(state, actions, report), {
    description: 'Sent by the iteration to its run; not for people.',
  });
}

/** Fails an update with the code and the words of the activity that it asked. */
async function coded<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ActivityFailure) throw rethrowable(error);
    throw error;
  }
}

type Reasons = Partial<Record<'pauseReason' | 'resumeReason' | 'cancelReason', string | undefined>>;

/** A new version of the control. Reasons that are named replace those of earlier orders of their kind, if only by none. */
function order(
  state: RunState,
  change: Partial<Pick<IterationControl, 'paused' | 'cancelAfterPhase' | 'resumes'>>,
  reasons: Reasons,
): void {
  const { pauseReason, resumeReason, cancelReason, ...control } = state.control;
  const all = Object.entries({ pauseReason, resumeReason, cancelReason, ...reasons });
  const given = Object.fromEntries(all.filter(([, reason]) => reason !== undefined));
  state.control = { ...control, ...change, version: control.version + 1, ...given };
  show(state);
}

function takeReport(state: RunState, actions: RunActions, report: IterationReport): void {
  if (report.iteration !== state.iteration) {
    log.debug('A report of another iteration is ignored.', { iteration: report.iteration });
    return;
  }
  state.report = report;
  state.reportedAt = Date.now();
  state.checkpoint = report.checkpoint ?? state.checkpoint;
  if (report.budget !== undefined) state.budget = report.budget;
  // A "parked" that was sent before the iteration saw the latest resume is history.
  const stale = report.status !== 'running' && report.resumes < state.control.resumes;
  if (!stale) {
    if (report.status === 'parked' && state.status !== 'parked') actions.tellParked(report.reason ?? '');
    state.status = report.status;
    state.reason = report.reason;
  }
  show(state);
}

function plannedIterations(state: RunState): number {
  if (state.plan === undefined) throw invalid('The run is still opening.', 'Send extend again in a moment.');
  return state.plan.iterations;
}

function checkNotEnded(state: RunState, update: string): void {
  if (ENDED.has(state.status)) {
    throw invalid(`The run is ${state.status}, so ${update} comes too late.`, 'Start it again under the same run id.');
  }
}

function checkNotClosing(state: RunState): void {
  if (state.closing)
    throw invalid('All iterations are done and the run is closing.', 'Start it again under the same run id.');
}

function checkMayReset(state: RunState, request: ResetToRequest | undefined): void {
  plannedIterations(state);
  checkReset(request);
  if (state.reset) throw invalid('The run is being reset already.', 'Send it again in a moment.');
  if (request?.stop === true || state.control.paused || state.status === 'parked') return;
  throw invalid(
    'The run is at work.',
    'Pause it first, or add "stop": true, which gives up the shard or step at work.',
  );
}
