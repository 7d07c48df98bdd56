/** `rZeroRun`: opens or continues a run, goes through its iterations, and answers to people while it does. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  proxyActivities,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { ChildWorkflowHandle } from '@temporalio/workflow';
import type {
  AlarmVerdict,
  OrchestrationActivities,
  RunInput,
  RunPlan,
  RunStatus,
  RunStatusChange,
} from '../activities/contract.ts';
import { DATABASE_OPTIONS, OPEN_OPTIONS, RESET_OPTIONS, STATUS_NOTE_OPTIONS } from './activity-options.ts';
import {
  describeFailure,
  isNonRetryable,
  isBehind,
  isOwnCancellation,
  isParkable,
  isTakenOver,
  rethrowable,
} from './failures.ts';
import { rZeroIteration } from './iteration.ts';
import { iterationControlSignal } from './messages.ts';
import type { ResetToRequest, RunResult } from './messages.ts';
import { tellParentParked } from './parent.ts';
import { iterationTitle } from './progress.ts';
import { registerRunMessages } from './run-messages.ts';
import { iterationWorkflowId, resolveRunRequest } from './run-request.ts';
import { addSummary, createRunState, rowReason, show } from './run-state.ts';
import type { CarriedRun, RunState } from './run-state.ts';
import { ITERATION_ATTRIBUTE, RUN_ID_ATTRIBUTE } from './search-attributes.ts';

/** A cancelled or terminated predecessor may still be putting its accelerator work away. */
const PREDECESSOR_PATIENCE_SECONDS = 120;

const database = proxyActivities<OrchestrationActivities>(DATABASE_OPTIONS);
const opening = proxyActivities<OrchestrationActivities>(OPEN_OPTIONS);
const notes = proxyActivities<OrchestrationActivities>(STATUS_NOTE_OPTIONS);
const resets = proxyActivities<OrchestrationActivities>(RESET_OPTIONS);

/** The iteration at work, so that orders can be sent on to it. */
interface Active {
  handle?: ChildWorkflowHandle<typeof rZeroIteration>;
  /** Of the iteration alone: a reset ends it and not the run. */
  scope?: CancellationScope;
  /** What the run was started with, should its row be lost. */
  input: RunInput;
}

/**
 * A whole R-Zero run (arXiv 2508.05004): the base model's evaluation as iteration 0, then Challenger and Solver rounds.
 * One optional object as input: `{}` and no input at all start the demo run. Starting a known `runId` again continues it.
 *
 * @param input see `RunInput`. @default {}
 * @param carried state handed on by continue-as-new; never given by a person
 * @throws ApplicationFailure with the activity's code when the run cannot be opened, e.g. `RunInputInvalid`, `RunConflict`
 */
export async function rZeroRun(input?: RunInput, carried?: CarriedRun): Promise<RunResult> {
  const request = resolveRunRequest(input, workflowInfo().workflowId);
  const state = createRunState(request.runId, carried);
  const active: Active = { input: request.input };
  registerRunMessages(state, {
    extend: (iterations) => database.extendRun({ runId: state.runId, iterations }),
    changeInput: ({ input, reason, by }) => database.changeRunInput({ ...changeOf(state, by, reason), input }),
    resetTo: (request) => resetTo(state, active, request),
    pushControl: () => pushControl(state, active),
    tellParked: (reason) => tellParentParked(state.runId, reason),
  });
  show(state);
  try {
    const plan = await openRun(state, request.input);
    state.runId = plan.runId;
    state.plan = plan;
    state.reason = plan.notice;
    state.budget = plan.budget;
    // After continue-as-new every run is a known one.
    state.resumed = carried?.resumed ?? plan.resumed;
    show(state);
    const alreadyDone = plan.nextIteration > plan.iterations;
    for (let first = plan.nextIteration; ;) {
      if ((await advance(state, active, first)) !== undefined) return await renew(state, request.input);
      try {
        return await conclude(state, alreadyDone);
      } catch (error) {
        if (!isBehind(error)) throw error;
        first = await planAgain(state, active, describeFailure(error));
      }
    }
  } catch (error) {
    if (isOwnCancellation(error) && state.plan !== undefined) {
      await CancellationScope.nonCancellable(() => noteCancelled(state));
    }
    throw error;
  }
}

async function renew(state: RunState, input: RunInput): Promise<never> {
  await condition(allHandlersFinished);
  const { control, summaries, finished, resumed, finishedInBudget } = state;
  const carry: CarriedRun = { control, summaries, finished, resumed, finishedInBudget };
  return await continueAsNew<typeof rZeroRun>({ ...input, runId: state.runId, iterations: iterationsOf(state) }, carry);
}

/** @param behind why it is opened once more */
async function openRun(state: RunState, input: RunInput, behind?: string): Promise<RunPlan> {
  for (;;) {
    try {
      const start = {
        firstExecutionId: workflowInfo().firstExecutionRunId,
        ...(behind === undefined ? {} : { behind, mayCreate: !state.resumed }),
      };
      const summary = `open run ${state.runId}`.slice(0, 100);
      return await opening.openRun.executeWithOptions({ summary }, [input, start]);
    } catch (error) {
      if (isOwnCancellation(error) || !isParkable(error)) throw error;
      if (isNonRetryable(error)) throw rethrowable(error);
      const reason = `The run could not be opened. ${describeFailure(error)}`;
      if (!(await park(state, reason))) throw rethrowable(error);
    }
  }
}

/** Of what is counted here, and by the iteration's units. */
function isBudgetSpent({ budget, finishedInBudget }: RunState): boolean {
  if (budget === undefined) return false;
  return budget.exhausted !== undefined || finishedInBudget >= (budget.limits.iterations ?? Infinity);
}

/** Goes through the iterations; the answer is the next one when it is time to continue as new, else undefined. */
async function advance(state: RunState, active: Active, first: number): Promise<number | undefined> {
  let iteration = first;
  for (;;) {
    // An extension may be under way while the last iteration ends.
    if (iteration > iterationsOf(state)) await condition(allHandlersFinished);
    if (state.reset) {
      state.reset = false;
      iteration = state.plan?.nextIteration ?? 0;
    }
    if (iteration > iterationsOf(state)) return undefined;
    if (isBudgetSpent(state)) return undefined;
    if (state.control.paused) await holdPaused(state);
    if (state.control.cancelAfterPhase) return undefined;
    if (workflowInfo().continueAsNewSuggested) return iteration;
    const next = await runIteration(state, active, iteration);
    if (next === undefined) return undefined;
    iteration = next;
  }
}

/**
 * Runs one iteration to its end, however often it has to be started.
 *
 * @returns the next one, which is any after a reset; undefined when the run shall end here
 */
async function runIteration(state: RunState, active: Active, iteration: number): Promise<number | undefined> {
  state.iteration = iteration;
  state.report = undefined;
  show(state);
  for (;;) {
    const scope = new CancellationScope();
    active.scope = scope;
    try {
      const outcome = await scope.run(async () => (await startIteration(state, active, iteration)).result());
      if (state.reset) return iteration;
      if (outcome.budget !== undefined) state.budget = outcome.budget;
      if (outcome.alarm) return await obeyAlarm(state, active, outcome.alarm);
      if (outcome.stopped) return undefined;
      addSummary(state, { runId: state.runId, iteration, metrics: outcome.metrics });
      state.status = 'running';
      state.reason = undefined;
      show(state);
      return iteration + 1;
    } catch (error) {
      if (isOwnCancellation(error)) throw error;
      if (isParkable(error) && isTakenOver(error)) throw rethrowable(error);
      if (state.reset) return iteration;
      if (isBehind(error)) return await planAgain(state, active, describeFailure(error));
      const reason = `${iterationTitle(iteration)} ended unexpectedly. ${whyItEnded(error)}`;
      if (!(await park(state, reason))) return undefined;
      if (state.reset) return iteration;
    } finally {
      delete active.handle;
      delete active.scope;
    }
  }
}

/** The next iteration after a roll-back; undefined when the run ends. */
async function obeyAlarm(state: RunState, active: Active, verdict: AlarmVerdict): Promise<number | undefined> {
  const { reason = 'An alarm was raised.', rollback } = verdict;
  if (!rollback) {
    state.stoppedBy = reason;
    return undefined;
  }
  const { iteration, phase, input, by, stop } = rollback;
  try {
    const plan = await resetTo(state, active, {
      iteration,
      phase,
      by,
      reason,
      ...(input === undefined ? {} : { input }),
    });
    state.plan = plan;
    state.summaries = state.summaries.filter((summary) => summary.iteration < plan.nextIteration);
  } catch (error) {
    if (isOwnCancellation(error) || !isParkable(error)) throw error;
    if (isTakenOver(error)) throw rethrowable(error);
    return (await park(state, `${reason} It cannot be rolled back. ${describeFailure(error)}`)) ? iteration : undefined;
  }
  if (stop) state.stoppedBy = reason;
  return stop ? undefined : iteration;
}

/** Marks everything from a phase on as to be done again, and ends what is at work; `advance` goes on with the new plan. */
async function resetTo(
  state: RunState,
  active: Active,
  { by, reason, iteration, phase, input }: ResetToRequest,
): Promise<RunPlan> {
  const place = { iteration, phase, ...(input === undefined ? {} : { input }) };
  const plan = await resets.resetRun.executeWithOptions({ summary: `reset to iteration ${iteration}, ${phase}` }, [
    { ...changeOf(state, by, reason), ...place },
  ]);
  state.reset = true;
  active.scope?.cancel();
  return plan;
}

/** The database knows less than this workflow: it was restored from an older copy, or reset by another program. */
async function planAgain(state: RunState, active: Active, why: string): Promise<number> {
  const input = { ...active.input, runId: state.runId, iterations: iterationsOf(state) };
  const plan = await openRun(state, input, why);
  state.status = 'running';
  state.reason = plan.notice;
  state.plan = plan;
  state.closing = false;
  state.summaries = state.summaries.filter(({ iteration }) => iteration < plan.nextIteration);
  return plan.nextIteration;
}

function changeOf(
  state: RunState,
  by: string | undefined,
  reason: string | undefined,
): { runId: string; holder: string; requestedBy: string; reason?: string } {
  const holder = workflowInfo().workflowId;
  const requestedBy = by ?? 'an update in Temporal';
  return { runId: state.runId, holder, requestedBy, ...(reason === undefined ? {} : { reason }) };
}

function whyItEnded(error: unknown): string {
  if (error instanceof WorkflowExecutionAlreadyStartedError) return `Another workflow still runs ${error.workflowId}.`;
  if (isParkable(error)) return describeFailure(error);
  throw error;
}

async function startIteration(
  state: RunState,
  active: Active,
  iteration: number,
): Promise<ChildWorkflowHandle<typeof rZeroIteration>> {
  for (let waited = 0; ; waited += 2) {
    const { control } = state;
    try {
      const handle = await startChild(rZeroIteration, {
        workflowId: iterationWorkflowId(state.runId, iteration),
        args: [{ runId: state.runId, iteration }, control],
        staticSummary: iterationTitle(iteration),
        typedSearchAttributes: [
          { key: RUN_ID_ATTRIBUTE, value: state.runId },
          { key: ITERATION_ATTRIBUTE, value: iteration },
        ],
        // A cancelled iteration frees the accelerator before it closes; a terminated one could not.
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      });
      // From here on orders go to it at once, those included that come while the next line waits.
      active.handle = handle;
      // An order that came while the child was being started has not reached it.
      if (state.control.version !== control.version) await signalControl(state, handle);
      return handle;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError) || waited >= PREDECESSOR_PATIENCE_SECONDS)
        throw error;
      await sleep('2 seconds', { summary: 'wait for the predecessor to close' });
    }
  }
}

async function pushControl(state: RunState, active: Active): Promise<void> {
  if (active.handle) await signalControl(state, active.handle);
}

async function signalControl(state: RunState, handle: ChildWorkflowHandle<typeof rZeroIteration>): Promise<void> {
  try {
    await handle.signal(iterationControlSignal, state.control);
  } catch (error) {
    if (isOwnCancellation(error)) throw error;
    // It has just ended; the run itself honours the order before the next iteration.
    log.info('The iteration ended before the order reached it.', { workflowId: handle.workflowId });
  }
}

async function holdPaused(state: RunState): Promise<void> {
  await note(state, 'paused', state.control.pauseReason);
  await condition(() => !state.control.paused || state.control.cancelAfterPhase);
  if (!state.control.cancelAfterPhase) await note(state, 'running', state.control.resumeReason);
}

/** Waits for a person. True when the work shall be tried again, false when the run shall end. */
async function park(state: RunState, reason: string): Promise<boolean> {
  const seen = state.control.resumes;
  await note(state, 'parked', reason);
  tellParentParked(state.runId, reason);
  await condition(() => state.control.resumes > seen || state.control.cancelAfterPhase);
  if (state.control.cancelAfterPhase) return false;
  await note(state, 'running', state.control.resumeReason);
  return true;
}

async function conclude(state: RunState, alreadyDone: boolean): Promise<RunResult> {
  const iterations = iterationsOf(state);
  const { status, message } = isFinished(state) ? finishedEnd(state, alreadyDone) : unfinishedEnd(state);
  await noteEnd(state, status, message);
  await condition(allHandlersFinished);
  return { runId: state.runId, status, iterations, finished: state.finished, message, summaries: state.summaries };
}

type End = Pick<RunResult, 'status' | 'message'>;

function finishedEnd(state: RunState, alreadyDone: boolean): End {
  const iterations = iterationsOf(state);
  const status = 'completed';
  if (alreadyDone && state.finished === 0) {
    const message = `Nothing to do: all ${iterations} iterations were finished before. Start it with more iterations to go on.`;
    return { status, message };
  }
  const message = iterations === 1 ? 'The one iteration is finished.' : `All ${iterations} iterations are finished.`;
  return { status, message };
}

/** What ended it: a person, or its budget. */
function unfinishedEnd({ control, budget, finishedInBudget, stoppedBy }: RunState): End {
  if (stoppedBy !== undefined) return { status: 'cancelled', message: stoppedBy };
  if (control.cancelAfterPhase) {
    return { status: 'cancelled', message: control.cancelReason ?? 'Ended after its phase, as asked.' };
  }
  const spent =
    budget?.exhausted ?? `The budget is spent: ${finishedInBudget} of ${budget?.limits.iterations} iterations.`;
  return { status: 'waiting', message: `${spent} The next start goes on from here.` };
}

function isFinished(state: RunState): boolean {
  const last = state.summaries.at(-1);
  return (state.plan?.nextIteration ?? 0) > iterationsOf(state) || last?.iteration === iterationsOf(state);
}

function iterationsOf(state: RunState): number {
  return state.plan?.iterations ?? 0;
}

/** Shows a status and writes it to the run's row. A row that cannot be written now does not stop the run. */
async function note(state: RunState, status: RunStatus, reason: string | undefined): Promise<void> {
  setStatus(state, status, reason);
  if (state.plan === undefined) return;
  try {
    await notes.setRunStatus.executeWithOptions({ summary: `note: ${status}` }, [statusChange(state)]);
  } catch (error) {
    if (isOwnCancellation(error) || !isParkable(error)) throw error;
    if (isTakenOver(error)) throw rethrowable(error);
    log.warn('The run row could not be updated.', { status, failure: describeFailure(error) });
  }
}

/** The cancellation itself goes on whatever comes of its note. */
async function noteCancelled(state: RunState): Promise<void> {
  try {
    await note(state, 'cancelled', 'Cancelled on request.');
  } catch (error) {
    log.warn('The cancellation could not be noted in the run row.', { error });
  }
}

/** The last word of a run must reach its row, or Postgres would say "running" for ever. */
async function noteEnd(state: RunState, status: RunResult['status'], message: string): Promise<void> {
  state.closing = true;
  for (;;) {
    setStatus(state, status, message);
    try {
      await database.setRunStatus.executeWithOptions({ summary: `note: ${status}` }, [statusChange(state)]);
      return;
    } catch (error) {
      if (isOwnCancellation(error) || !isParkable(error) || isBehind(error)) throw error;
      if (isTakenOver(error)) throw rethrowable(error);
      if (!(await park(state, `All work is done, but its end could not be stored. ${describeFailure(error)}`))) {
        setStatus(state, status, message);
        return;
      }
    }
  }
}

function setStatus(state: RunState, status: RunStatus, reason: string | undefined): void {
  state.status = status;
  state.reason = reason;
  show(state);
}

function statusChange(state: RunState): RunStatusChange {
  const { runId, status, reason } = state;
  const holder = workflowInfo().workflowId;
  return { runId, holder, status, ...rowReason(status, reason) };
}
