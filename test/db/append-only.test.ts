import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import { openPool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { asRole } from '../../infra/cli/endpoints.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { addSideRows } from '../support/rows.ts';

/** Columns of tables that are not frozen as a whole, which say how far something is. */
const MUTABLE: Readonly<Record<string, readonly string[]>> = {
  runs: ['status', 'status_reason', 'iterations', 'engine', 'updated_at'],
  run_leases: ['namespace', 'workflow_id', 'temporal_run_id', 'acquired_at', 'renewed_at'],
  run_starts: ['ended_at', 'end_status', 'end_reason'],
  attempts: ['seen_at', 'finished_at', 'outcome', 'error_code', 'error_message'],
};
describe('rows that were written', () => {
  let pool: pg.Pool;
  let url: string;
  /** Every table that there is, as the database knows them: one that is added is held to the same. */
  let tables: { name: string; table: string }[];
  before(async () => {
    ({ pool, url } = await createDatabase());
    // As the role of workers, from the first row to the last.
    const workers = openPool(asRole(url, 'r_zero_app'));
    try {
      const runner = new ActivityRunner(workers);
      const file = join(temporaryFolder(), 'set.jsonl');
      writeFileSync(file, '{"question": "2+3", "answer": "5"}');
      const evaluation = { questions: 16, samples: 2, sets: [{ set: 'file', file }] };
      await runner.open({ ...TINY, runId: 'tiny', oracles: { anchors: { questions: 2 } }, evaluation });
      for (const iteration of [0, 1]) await runner.iterate('tiny', iteration);
      await runner.checkAlarms('evaluation', 'tiny', 1);
      assert.equal((await workers.query<{ name: string }>('select current_user as name')).rows[0]?.name, 'r_zero_app');
    } finally {
      await workers.end();
    }
    await addSideRows(pool, 'tiny');
    const { rows } = await pool.query<{ name: string; table: string }>(
      `select tablename as name, format('%I.%I', schemaname, tablename) as table from pg_tables
       where schemaname in ('r_zero', 'r_zero_all') order by 1`,
    );
    tables = rows;
  });

  test('cannot be changed, deleted or truncated, whoever asks', async () => {
    assert.ok(tables.length >= 28);
    for (const { name, table } of tables) {
      const refused = { code: '23001', message: new RegExp(`Rows of r_zero\\.${name} are kept as they were written`) };
      const { rows } = await pool.query(`select from ${table} limit 1`);
      assert.equal(rows.length, 1, `${name} has a row to try on`);
      await assert.rejects(pool.query(`delete from ${table}`), refused, name);
      await assert.rejects(pool.query(`truncate ${table} cascade`), refused, name);
      const columns = await pool.query<{ column: string; change: string }>(
        `select column_name as column, case is_identity when 'YES' then 'default' else 'null' end as change
         from information_schema.columns
         where format('%I.%I', table_schema, table_name) = $1 and is_generated = 'NEVER'`,
        [table],
      );
      for (const { column, change } of columns.rows) {
        if (MUTABLE[name]?.includes(column)) continue;
        const update = `update ${table} set "${column}" = ${change}`;
        const { rows: filled } = await pool.query(`select from ${table} where "${column}" is not null limit 1`);
        // Where nothing would change there is nothing to refuse, unless all of the table is frozen.
        if (filled.length > 0 || !(name in MUTABLE)) await assert.rejects(pool.query(update), refused, column);
      }
    }
    await assert.rejects(pool.query(`update r_zero.votes set label = '7'`), {
      hint: 'Write a correction as a row of the next version, where the table has one.',
    });
    await assert.rejects(pool.query(`update r_zero.runs set seed = 7`), {
      hint: /Columns that never change: run_id, seed/,
    });
  });

  test('but may be marked, once, as superseded by a later take, which takes them out of sight and nowhere else', async () => {
    const marked = await pool.connect();
    try {
      for (const { name, table } of tables) {
        if (!table.startsWith('r_zero_all')) continue;
        await marked.query('begin');
        await marked.query('set local role r_zero_app');
        const { rowCount } = await marked.query(`update ${table} set superseded_by = 2`);
        assert.ok(rowCount! > 0, name);
        assert.equal((await marked.query(`select from r_zero.${name}`)).rowCount, 0, name);
        assert.equal((await marked.query(`select from ${table}`)).rowCount, rowCount, name);
        for (const change of ['superseded_by = 3', 'superseded_by = null']) {
          await marked.query('savepoint once');
          await assert.rejects(marked.query(`update ${table} set ${change}`), { code: '23001' }, `${name} ${change}`);
          await marked.query('rollback to once');
        }
        await marked.query('rollback');
      }
    } finally {
      marked.release(true);
    }
  });

  test('except for what says how far a run, its lease or an attempt is', async () => {
    for (const [name, columns] of Object.entries(MUTABLE)) {
      for (const column of columns) await pool.query(`update r_zero.${name} set ${column} = ${column}`);
    }
    await pool.query(`update r_zero.runs set status = 'paused', iterations = 3`);
  });

  test('tell of their code, model, prompts, preset, seed and engine in one join', async () => {
    for (const name of [
      'questions',
      'answers',
      'rollouts',
      'rewards',
      'policy_updates',
      'evaluations',
      'gate_decisions',
      'audits',
    ]) {
      const { rows } = await pool.query<Record<string, unknown>>(
        `select p.*, t.run_id as own from r_zero.${name} t left join r_zero.provenance p using (run_id, iteration, phase, unit)
         where t.unit is not null -- what a judge or a person says is of no unit, and names its oracle
           and (p.code_version is null or p.base_model is null or p.prompts_hash is null or p.preset is null or p.run_seed is null
                or p.workflow_id is null
                or (p.backend is null or p.device is null or p.threads is null) and t.phase not in ('gating', 'audit'))`,
      );
      assert.deepEqual(rows, [], name);
    }
    const { rows } = await pool.query<{ units: string; rows: string }>(
      `select (select count(*) from r_zero.units) as units, (select count(*) from r_zero.provenance) as rows`,
    );
    assert.equal(rows[0]?.rows, rows[0]?.units);
  });

  test('are read by one role and written by another, of which neither deletes or changes tables', async () => {
    const app = openPool(asRole(url, 'r_zero_app'));
    const reader = openPool(asRole(url, 'r_zero_read'));
    const denied = { code: '42501' };
    try {
      for (const role of [app, reader]) {
        for (const schema of ['r_zero', 'r_zero_all']) {
          await assert.rejects(role.query(`delete from ${schema}.questions`), denied);
          await assert.rejects(role.query(`update ${schema}.questions set question = '7'`), denied);
        }
        await assert.rejects(role.query('truncate r_zero_all.questions'), denied);
        await assert.rejects(role.query('drop view r_zero.lineage'), denied);
        await assert.rejects(role.query('create table r_zero.mine (n int)'), denied);
        await assert.rejects(role.query('alter table r_zero_all.questions disable trigger append_only'), denied);
        for (const relation of ['questions', 'lineage', 'provenance', 'iteration_summary'])
          assert.ok((await role.query(`select * from r_zero.${relation} limit 1`)).rows.length > 0, relation);
      }
      await assert.rejects(app.query(`update r_zero.answers set extracted = '7'`), denied);
      await assert.rejects(reader.query(`update r_zero.runs set status = 'failed'`), denied);
      await assert.rejects(
        reader.query(`insert into r_zero.evaluation_sets (set_hash, items) values ('x', '[]')`),
        denied,
      );
    } finally {
      await Promise.all([app.end(), reader.end()]);
    }
  });

  test('a user who may not create roles migrates all the same, and is told which are missing', async () => {
    const { pool: admin, url: own } = await createDatabase({ migrated: false });
    const name = new URL(own).pathname.slice(1);
    // Roles are the whole server's: they are put out of the way, and put back.
    await admin.query('alter role r_zero_app rename to r_zero_app_away');
    await admin.query('alter role r_zero_read rename to r_zero_read_away');
    try {
      await admin.query(`create role plain_owner login password 'secret'`);
      await admin.query(`grant create on database ${name} to plain_owner`);
      const plainUrl = new URL(own);
      plainUrl.username = 'plain_owner';
      plainUrl.password = 'secret';
      const plain = openPool(plainUrl.href);
      try {
        assert.deepEqual((await migrate(plain)).missingRoles, ['r_zero_app', 'r_zero_read']);
        await admin.query('create role r_zero_read nologin');
        assert.deepEqual((await migrate(plain)).missingRoles, ['r_zero_app']);
        const { rows } = await admin.query<{ may: boolean }>(
          `select has_table_privilege('r_zero_read', 'r_zero.lineage', 'select') as may`,
        );
        assert.equal(rows[0]?.may, true);
      } finally {
        await plain.end();
      }
      await admin.query('drop owned by r_zero_read');
      await admin.query('drop role r_zero_read');
    } finally {
      await admin.query('alter role r_zero_app_away rename to r_zero_app');
      await admin.query('alter role r_zero_read_away rename to r_zero_read');
    }
  });
});
