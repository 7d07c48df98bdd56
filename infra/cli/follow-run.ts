/** Watches a run until it ends or stands still, and shows on the way how it goes. */
import type { Client } from '@temporalio/client';
import type pg from 'pg';
import type { RunStatus } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { orAborted, pause } from './interrupts.ts';
import type { ProgressDisplay } from './progress-view.ts';
import { RunReader } from './run-reader.ts';
import { describeWorkflow, readResult } from './run-workflow.ts';

export interface FollowOptions {
  runId: string;
  /** Asked afresh at each look, because a restarted server may have moved. */
  connections: () => Promise<{ pool: pg.Pool; client: Client }>;
  display: ProgressDisplay;
  /** Pause between two looks at Postgres. */
  intervalMs: number;
  signal: AbortSignal;
  /** Called when servers have not answered for a while: brings them back or throws. */
  heal: () => Promise<void>;
}

export interface FollowOutcome {
  status: Extract<RunStatus, 'completed' | 'cancelled' | 'waiting' | 'parked'>;
  /** Why, in one sentence. */
  reason: string | undefined;
}

/** The server is asked about the workflow more seldom than Postgres about progress. */
const WORKFLOW_INTERVAL_MS = 2_000;
const PATIENCE_MS = 4_000;
/** After this many attempts to bring servers back in a row the failure is passed on. */
const MOST_HEALINGS = 5;

/** Fails with the run's own code when its workflow fails. */
export async function followRun(options: FollowOptions): Promise<FollowOutcome> {
  const { runId, connections, display, intervalMs, signal, heal } = options;
  const reader = new RunReader(runId);
  const followedSince = new Date();
  let nextWorkflowLook = 0;
  let answeredAt = Date.now();
  let healings = 0;
  for (;;) {
    signal.throwIfAborted();
    try {
      const { pool, client } = await connections();
      const reading = await reader.read(pool);
      if (reading) display.update({ ...reading, now: new Date(), followedSince });
      if (Date.now() >= nextWorkflowLook) {
        nextWorkflowLook = Date.now() + WORKFLOW_INTERVAL_MS;
        const outcome = await lookAtWorkflow(client, runId, reading?.snapshot.run.statusReason ?? undefined);
        if (outcome) {
          const last = await reader.read(pool);
          if (last) display.update({ ...last, now: new Date(), followedSince });
          return outcome;
        }
      }
      answeredAt = Date.now();
      healings = 0;
    } catch (error) {
      signal.throwIfAborted();
      if (!isServerGone(error) || healings >= MOST_HEALINGS) throw error;
      if (Date.now() - answeredAt >= PATIENCE_MS) {
        healings += 1;
        await orAborted(signal, heal);
        answeredAt = Date.now();
      }
    }
    await pause(signal, intervalMs);
  }
}

async function lookAtWorkflow(
  client: Client,
  runId: string,
  storedReason: string | undefined,
): Promise<FollowOutcome | undefined> {
  const workflow = await describeWorkflow(client, runId);
  if (!workflow) {
    throw new RZeroError('RunNotFound', `Temporal no longer knows the workflow of run "${runId}".`, {
      fix: 'Start the run again under the same run id: it continues from Postgres.',
    });
  }
  if (workflow.open) return workflow.status === 'parked' ? { status: 'parked', reason: storedReason } : undefined;
  const { status, message } = await readResult(client, runId);
  return { status, reason: message };
}

/** gRPC's UNAVAILABLE and DEADLINE_EXCEEDED, by the protocol's numbers, and lost connections to Postgres. */
function isServerGone(error: unknown): boolean {
  if (error instanceof RZeroError) return error.code === 'DatabaseUnreachable' || error.code === 'TemporalUnreachable';
  let current: unknown = error;
  for (let depth = 0; typeof current === 'object' && current !== null && depth < 4; depth += 1) {
    const { code, cause } = current as { code?: unknown; cause?: unknown };
    if (code === 14 || code === 4) return true;
    current = cause;
  }
  return false;
}
