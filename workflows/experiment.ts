/** `rZeroExperiment`: a grid of settings × seeds, each cell a run, for comparisons. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { ExperimentInput, ExperimentRun, OrchestrationActivities } from '../activities/contract.ts';
import { DATABASE_OPTIONS } from './activity-options.ts';
import { renderExperiment } from './experiment-details.ts';
import type { ExperimentState } from './experiment-details.ts';
import { describeFailure, isOwnCancellation, isParkable, rethrowable } from './failures.ts';
import { runParkedSignal } from './messages.ts';
import type { ExperimentResult } from './messages.ts';
import { describe, invalid, isRecord } from './run-request.ts';
import { rZeroRun } from './run.ts';

const ID_PREFIX = 'r-zero-experiment/';

const database = proxyActivities<OrchestrationActivities>(DATABASE_OPTIONS);

/**
 * Runs what an experiment has not finished yet. A run that fails, or that somebody else advances, is counted and does not
 * stop the others; one that parks waits for a person, and its place in the queue waits with it. The same id again goes on.
 *
 * @throws ApplicationFailure `RunInputInvalid`, `ExperimentConflict`
 */
export async function rZeroExperiment(input?: ExperimentInput): Promise<ExperimentResult> {
  const given = input ?? {};
  if (!isRecord(given)) {
    throw invalid(`The input must be one JSON object, not ${describe(given)}.`, 'Start with {} for the ablations.');
  }
  const { workflowId } = workflowInfo();
  const own = workflowId.startsWith(ID_PREFIX) ? workflowId.slice(ID_PREFIX.length) : workflowId;
  const named: ExperimentInput = { ...given, experimentId: given['experimentId'] ?? own } as ExperimentInput;
  try {
    return await runGrid(named);
  } catch (error) {
    if (isOwnCancellation(error) || !isParkable(error)) throw error;
    throw rethrowable(error);
  }
}

async function runGrid(input: ExperimentInput): Promise<ExperimentResult> {
  const plan = await database.openExperiment.executeWithOptions({ summary: 'look up the runs' }, [input]);
  const { experimentId, runs, concurrency } = plan;
  const state: ExperimentState = { experimentId, runs, finished: 0, current: [], parked: new Map(), troubles: [] };
  const show = (): void => setCurrentDetails(renderExperiment(state));
  setHandler(
    runParkedSignal,
    ({ runId, reason }) => {
      state.parked.set(runId, reason);
      show();
    },
    { description: 'Sent by a run to its experiment; not for people.' },
  );
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < runs) {
      const position = next++;
      const summary = `run ${position + 1} of ${runs}`;
      const cell = {
        experimentId,
        position,
        ...(input.iterations === undefined ? {} : { iterations: input.iterations }),
      };
      const run = await database.readExperimentRun.executeWithOptions({ summary }, [cell]);
      await runCell(state, run, show);
    }
  };
  show();
  await Promise.all(Array.from({ length: Math.min(concurrency, runs) }, lane));
  return { experimentId, runs, finished: state.finished, troubles: state.troubles };
}

async function runCell(
  state: ExperimentState,
  { setting, seed, input }: ExperimentRun,
  show: () => void,
): Promise<void> {
  const { runId } = input;
  state.current.push(runId);
  show();
  try {
    const child = await startChild(rZeroRun, {
      workflowId: `r-zero/${runId}`,
      args: [input],
      staticSummary: `${setting}, seed ${seed}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
    const { status, message } = await child.result();
    if (status === 'completed') state.finished += 1;
    else state.troubles.push({ runId, reason: message });
  } catch (error) {
    if (isOwnCancellation(error)) throw error;
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      state.troubles.push({ runId, reason: 'Another workflow advances it.' });
    } else if (isParkable(error)) {
      state.troubles.push({ runId, reason: describeFailure(error) });
    } else throw error;
  } finally {
    state.current = state.current.filter((id) => id !== runId);
    state.parked.delete(runId);
    show();
  }
}
