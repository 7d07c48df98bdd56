/** Sends the iteration's reports to its run: the newest state, one signal at a time, so that none overtakes another. */
import { getExternalWorkflowHandle, log } from '@temporalio/workflow';
import { isOwnCancellation } from './failures.ts';
import { iterationReportSignal } from './messages.ts';
import type { IterationReport } from './messages.ts';

export interface Reporter {
  /** Queues the newest report; older ones that were not sent yet are dropped. Never throws, never waits. */
  send: (report: IterationReport) => void;
  /** Resolves when the last report has reached the run. */
  settled: () => Promise<void>;
}

export function createReporter(parentWorkflowId: string): Reporter {
  const parent = getExternalWorkflowHandle(parentWorkflowId);
  let waiting: IterationReport | undefined;
  let sending: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (waiting) {
      const report = waiting;
      waiting = undefined;
      try {
        await parent.signal(iterationReportSignal, report);
      } catch (error) {
        // A report is for the eye only; a run that is gone will cancel this iteration anyway.
        if (!isOwnCancellation(error)) log.warn('The run did not take a report.', { parentWorkflowId, error });
      }
    }
    sending = undefined;
  }

  return {
    send: (report) => {
      waiting = report;
      sending ??= drain();
    },
    // `drain` ends only when nothing is waiting, and nothing is sent once somebody waits here.
    settled: async () => {
      await sending;
    },
  };
}
