/** Temporal's own reset, to every workflow task of a finished run. Nothing is left to do, so nothing may be done. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Cluster } from '../../support/cluster.ts';

const LONGEST_MS = 60_000;

/** @returns ids of the events that end a workflow task */
export async function workflowTasksOf(client: Client, workflowId: string): Promise<number[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? [])
    .filter((event) => event.workflowTaskCompletedEventAttributes)
    .map((event) => Number(event.eventId));
}

/**
 * Resets the newest execution to an event of the one that was there first, and waits until it has ended again.
 *
 * @returns Temporal's word for how it ended
 */
export async function resetTo(cluster: Cluster, workflowId: string, runId: string, eventId: number): Promise<string> {
  const { client } = cluster;
  const { runId: newest } = await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId, runId },
    reason: 'fault matrix',
    requestId: randomUUID(),
    workflowTaskFinishEventId: eventId as never,
  });
  const handle = client.workflow.getHandle(workflowId, newest);
  const deadline = Date.now() + LONGEST_MS;
  for (;;) {
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING' || Date.now() > deadline) return status.name;
    await sleep(20);
  }
}
