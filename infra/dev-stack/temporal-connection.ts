import { Connection } from '@temporalio/client';
import type { ConnectionOptions } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { loadClientConnectConfig, loadClientConfigProfile } from '@temporalio/envconfig';
import { RZeroError } from '../../activities/errors.ts';

export interface ExternalTemporal {
  address: string;
  namespace: string;
  connectionOptions: ConnectionOptions;
}

/**
 * The server a user named through `TEMPORAL_ADDRESS`, `TEMPORAL_PROFILE` or the default profile of Temporal's
 * configuration file; undefined when none is named and ours is to be used.
 */
export function externalTemporal(env: NodeJS.ProcessEnv = process.env): ExternalTemporal | undefined {
  const overrideEnvVars = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  try {
    const profile = loadClientConfigProfile({ overrideEnvVars });
    if (!profile.address && !env['TEMPORAL_PROFILE']) return undefined;
    const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars });
    return {
      address: profile.address ?? 'localhost:7233',
      namespace: namespace ?? 'default',
      connectionOptions,
    };
  } catch (error) {
    throw new RZeroError(
      'TemporalUnreachable',
      `Temporal's configuration cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      {
        fix: 'Correct the TEMPORAL_* variables or the profile file, or unset them to use a local server.',
        cause: error,
      },
    );
  }
}

async function withConnection<T>(options: ConnectionOptions, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ connectTimeout: '3s', ...options });
  try {
    return await connection.withDeadline(Date.now() + 5_000, () => work(connection));
  } finally {
    await connection.close();
  }
}

/** True when a Temporal server answers there and knows the namespace. */
export async function temporalAnswers(address: string, namespace: string): Promise<boolean> {
  try {
    return await withConnection({ address }, async (connection) => {
      await connection.workflowService.describeNamespace({ namespace });
      return true;
    });
  } catch {
    // Not up yet, or something else listens there: the caller decides by how long it waits.
    return false;
  }
}

export async function checkExternalTemporal({
  address,
  namespace,
  connectionOptions,
}: ExternalTemporal): Promise<void> {
  try {
    await withConnection(connectionOptions, (connection) =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    throw new RZeroError(
      'TemporalUnreachable',
      `The Temporal server at ${address} does not serve namespace ${namespace}: ${error instanceof Error ? error.message : String(error)}.`,
      {
        fix: 'Start it or correct the TEMPORAL_* variables, or unset them to use a local server.',
        field: 'TEMPORAL_ADDRESS',
      },
    );
  }
}

const RETENTION_SECONDS = 90 * 86_400;

/** The dev server keeps closed workflows for a day; a run's history should outlive a holiday. */
export async function extendRetention(address: string, namespace: string): Promise<void> {
  await withConnection({ address }, async (connection) => {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    if (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) >= RETENTION_SECONDS) return;
    // Only what is set here changes; `config` without the other fields leaves them as they are.
    await connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: msToTs(RETENTION_SECONDS * 1000) },
    });
  });
}
