/** A client of the running stack for the `run` commands. */
import type { Client } from '@temporalio/client';
import type pg from 'pg';
import { openPool } from '../../db/client.ts';
import { assertSchemaCurrent } from '../../db/migrate.ts';
import { connect } from '../client.ts';
import { locateStack } from './endpoints.ts';
import { countWorkers } from './run-workflow.ts';
import type { Terminal } from './terminal.ts';

export interface RunCommandOptions {
  dataDir: string;
  json: boolean;
}

export interface RunAccess {
  client: Client;
  namespace: string;
  pool: pg.Pool;
  /** Undefined for a Temporal server of the user's own. */
  uiUrl: string | undefined;
}

/** Fails with `TemporalUnreachable`, `DatabaseUnreachable` or `DatabaseNotMigrated` when there is nothing to work with. */
export async function withRunningStack<T>(dataDir: string, work: (access: RunAccess) => Promise<T>): Promise<T> {
  const endpoints = await locateStack(dataDir);
  const pool = openPool(endpoints.databaseUrl);
  try {
    await assertSchemaCurrent(pool);
    const connected = await connect(endpoints.temporal);
    try {
      const { client, namespace } = connected;
      return await work({ client, namespace, pool, uiUrl: endpoints.uiUrl });
    } finally {
      await connected.close();
    }
  } finally {
    await pool.end();
  }
}

/** Page of a run in the Temporal UI. */
export function runPage(uiUrl: string | undefined, namespace: string, workflowId: string): string | undefined {
  return uiUrl ? `${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}` : undefined;
}

/** A run that nobody works on looks like one that hangs. */
export async function warnWithoutWorker({ client, namespace }: RunAccess, terminal: Terminal): Promise<void> {
  if ((await countWorkers(client, namespace)) > 0) return;
  process.stderr.write(
    `${terminal.style('yellow', 'note')}: no worker polls the task queue r-zero now; start one with: npx r-zero worker\n`,
  );
}
