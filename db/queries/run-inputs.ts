/** Settings of a run that were changed after it was started. */
import type pg from 'pg';
import { asDatabaseError } from '../client.ts';
import { insertRows } from '../bulk.ts';
import { runInputs } from '../schema.ts';

export interface NewRunInput {
  runId: string;
  /** In full. */
  config: object;
  changes: Record<string, { from: unknown; to: unknown }>;
  reason: string | undefined;
  requestedBy: string;
  codeVersion: string;
}

/** Inside a transaction that holds the run's lease or its row. @returns the new version */
export async function insertRunInput(client: pg.PoolClient, input: NewRunInput): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    'select coalesce(max(version), 1) + 1 as version from r_zero.run_inputs where run_id = $1',
    [input.runId],
  );
  const { version } = rows[0]!;
  await insertRows(client, runInputs, [{ ...input, version, reason: input.reason ?? null }]);
  return version;
}

/** Every version of a run's settings, by number: 1 is what it was started with. */
export async function readRunConfigs(
  connection: pg.Pool | pg.PoolClient,
  runId: string,
): Promise<Map<number, unknown>> {
  try {
    const { rows } = await connection.query<{ version: number; config: unknown }>(
      `select 1 as version, config from r_zero.runs where run_id = $1
       union all select version, config from r_zero.run_inputs where run_id = $1`,
      [runId],
    );
    return new Map(rows.map(({ version, config }) => [version, config]));
  } catch (error) {
    throw asDatabaseError(error);
  }
}
