/** A run that was started as a child tells its parent when it waits for a person, because nobody may be looking. */
import { getExternalWorkflowHandle, log, patched, workflowInfo } from '@temporalio/workflow';
import { isOwnCancellation } from './failures.ts';
import { runParkedSignal } from './messages.ts';

/** Never throws, never waits. Does nothing in a run that no workflow started. */
export function tellParentParked(runId: string, reason: string): void {
  const { parent } = workflowInfo();
  // Runs that parked as somebody's child before parents were told replay without the signal.
  if (parent === undefined || !patched('tell-parent-parked')) return;
  void tell(parent.workflowId, runId, reason);
}

async function tell(workflowId: string, runId: string, reason: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(runParkedSignal, { runId, reason });
  } catch (error) {
    // It has ended, or was cancelled; the run waits for its person all the same.
    if (!isOwnCancellation(error)) log.info('The parent did not hear that the run is parked.', { workflowId, error });
  }
}
