import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as migrateFolder } from 'drizzle-orm/node-postgres/migrator';
import type pg from 'pg';
import { transaction } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { createDatabase } from '../support/postgres.ts';
import { addRun } from '../support/rows.ts';

const MIGRATIONS = fileURLToPath(new URL('../../db/migrations', import.meta.url));

/** Brings an empty database to the state after its first `count` migrations. */
async function migrateOnly(pool: pg.Pool, count: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'r-zero-upgrade-'));
  try {
    await cp(MIGRATIONS, folder, { recursive: true });
    const path = join(folder, 'meta/_journal.json');
    const journal = JSON.parse(await readFile(path, 'utf8')) as { entries: unknown[] };
    await writeFile(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, count) }));
    await migrateFolder(drizzle(pool), {
      migrationsFolder: folder,
      migrationsSchema: 'r_zero_migrations',
      migrationsTable: 'applied',
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('a database of the first release keeps its votes, which get their margin and belong to no recomputation', async () => {
  const { pool } = await createDatabase({ migrated: false });
  await migrateOnly(pool, 1);
  const { baseCheckpointId } = await addRun(pool, 'old', { planned: false });
  // As that release wrote it.
  await transaction(pool, async (client) => {
    await client.query(
      `insert into r_zero.phases (run_id, iteration, phase, units) values ('old', 1, 'dataset_generation', 2)`,
    );
    await client.query(
      `insert into r_zero.units (run_id, iteration, phase, unit, seconds, metrics)
       values ('old', 1, 'dataset_generation', 0, 1, '{}')`,
    );
    await client.query(
      `insert into r_zero.questions (run_id, iteration, phase, unit, item, checkpoint_id, seed, completion, tokens, logprobs,
                                     finish_reason, status, question)
       values ('old', 1, 'dataset_generation', 0, 0, $1, $2, '<question>2+2</question>', '{1}', '{0}', 'stop', 'valid', '2+2')`,
      [baseCheckpointId, '0'.repeat(16)],
    );
    const classes = JSON.stringify([
      { representative: '4', count: 5, members: [0, 1, 2, 3, 4] },
      { representative: '5', count: 2, members: [5, 6] },
    ]);
    await client.query(
      `insert into r_zero.votes (question_id, preset, label, majority, total, unparsable, tie, classes)
       select question_id, 'default', '4', 5, 8, 1, false, $1 from r_zero.questions`,
      [classes],
    );
  });
  assert.deepEqual((await migrate(pool)).applied > 0, true);
  const { rows } = await pool.query<object>(
    `select margin, p_hat, entropy, incomparable, recomputation_id, version from r_zero.current_votes`,
  );
  assert.deepEqual(rows, [
    { margin: 3, p_hat: 0.625, entropy: null, incomparable: null, recomputation_id: null, version: 1 },
  ]);
});
