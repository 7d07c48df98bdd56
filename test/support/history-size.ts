/** How large the histories of runs are, as the server counts them, and the largest payload in them. */
import type { Client } from '@temporalio/client';

export interface HistorySize {
  workflowId: string;
  events: number;
  bytes: number;
}

export interface HistorySizes {
  /** Runs and their iterations. */
  workflows: HistorySize[];
  /** The largest result of an activity. */
  largestResultBytes: number;
  /** The largest payload of any kind: inputs, results, signals, search attributes, summaries. */
  largestPayloadBytes: number;
}

export async function measureHistories(client: Client, runIds: readonly string[]): Promise<HistorySizes> {
  const sizes: HistorySizes = { workflows: [], largestResultBytes: 0, largestPayloadBytes: 0 };
  for (const runId of runIds) {
    await measureWorkflow(client, `r-zero/${runId}`, sizes);
    for (let iteration = 0; await exists(client, `r-zero/${runId}/iteration-${iteration}`); iteration += 1) {
      await measureWorkflow(client, `r-zero/${runId}/iteration-${iteration}`, sizes);
    }
  }
  return sizes;
}

async function exists(client: Client, workflowId: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowId).describe();
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return false;
    throw error;
  }
}

async function measureWorkflow(client: Client, workflowId: string, sizes: HistorySizes): Promise<void> {
  const handle = client.workflow.getHandle(workflowId);
  const { historyLength, historySize = 0 } = await handle.describe();
  sizes.workflows.push({ workflowId, events: historyLength, bytes: historySize });
  const { events } = await handle.fetchHistory();
  for (const event of events ?? []) {
    const result = event.activityTaskCompletedEventAttributes?.result;
    if (result) sizes.largestResultBytes = Math.max(sizes.largestResultBytes, largestPayload(result));
    sizes.largestPayloadBytes = Math.max(sizes.largestPayloadBytes, largestPayload(event));
  }
}

/** Payloads are the objects with `data` in bytes, wherever they are in an event. */
function largestPayload(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
  const { data } = value as { data?: unknown };
  const own = data instanceof Uint8Array ? data.byteLength : 0;
  return Math.max(own, ...Object.values(value).map(largestPayload));
}
