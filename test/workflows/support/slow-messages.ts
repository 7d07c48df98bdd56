/** Workflow interceptors: the milliseconds in which an order could be lost become seconds, so that a test can aim. */
import { sleep } from '@temporalio/workflow';
import type { WorkflowInterceptors } from '@temporalio/workflow';

const START_TAKES = '1 second';
const SIGNAL_TAKES = '2 seconds';

export function interceptors(): WorkflowInterceptors {
  return {
    outbound: [
      {
        startChildWorkflowExecution: async (input, next) => {
          const [started, completed] = await next(input);
          const late = started.then(async (runId) => {
            await sleep(START_TAKES);
            return runId;
          });
          return [late, completed];
        },
        signalWorkflow: async (input, next) => {
          if (input.signalName === 'iterationControl') await sleep(SIGNAL_TAKES);
          await next(input);
        },
      },
    ],
  };
}
