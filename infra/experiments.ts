/** Starting experiments from a program; the `r-zero experiment` command is built on this. */
import { WorkflowExecutionAlreadyStartedError, WorkflowIdConflictPolicy } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { ExperimentInput } from '../activities/contract.ts';
import { RZeroError } from '../activities/errors.ts';
import type { rZeroExperiment } from '../workflows/experiment.ts';
import type { ExperimentResult } from '../workflows/messages.ts';
import { updateFailure } from './client-failures.ts';

const ID_PREFIX = 'r-zero-experiment/';

export interface StartedExperiment {
  experimentId: string;
  workflowId: string;
  /** Waits for the end. Fails with the experiment's own code, e.g. `ExperimentConflict`. */
  result: () => Promise<ExperimentResult>;
}

export interface ExperimentStartOptions {
  /** Queue of the workers that shall take the experiment. @default 'r-zero' */
  taskQueue?: string;
  /** Follows a workflow of this experiment that is going on already, whatever it was started with. @default false */
  join?: boolean;
}

/**
 * Starts an experiment, or has a known one go on. Workflow id `r-zero-experiment/<experimentId>`.
 *
 * @throws RZeroError `ExperimentConflict` when it is going on already
 */
export async function startExperiment(
  client: Client,
  input: ExperimentInput & { experimentId: string },
  { taskQueue = 'r-zero', join = false }: ExperimentStartOptions = {},
): Promise<StartedExperiment> {
  const { experimentId } = input;
  const workflowId = `${ID_PREFIX}${experimentId}`;
  const started = (handle: WorkflowHandle<typeof rZeroExperiment>): StartedExperiment => ({
    experimentId,
    workflowId,
    result: async () => {
      try {
        return await handle.result();
      } catch (error) {
        throw updateFailure(error, experimentId);
      }
    },
  });
  try {
    return started(
      await client.workflow.start<typeof rZeroExperiment>('rZeroExperiment', {
        workflowId,
        taskQueue,
        args: [input],
        workflowIdConflictPolicy: join ? WorkflowIdConflictPolicy.USE_EXISTING : WorkflowIdConflictPolicy.FAIL,
        staticSummary: `R-Zero experiment ${experimentId}`,
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new RZeroError(
      'ExperimentConflict',
      `Experiment "${experimentId}" is going on already, as workflow ${workflowId}.`,
      {
        field: 'experimentId',
        fix: `Look at it with \`npx r-zero experiment show ${experimentId}\`, or choose another name.`,
        cause: error,
      },
    );
  }
}
