import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import type pg from 'pg';
import { exportRun } from '../../activities/export/export-run.ts';
import type { ExportReport, ExportRequest } from '../../activities/export/export-run.ts';
import type { ExportManifest } from '../../activities/export/manifest.ts';
import { LEFT_OUT } from '../../db/queries/export-relations.ts';
import { exportRelations } from '../../db/queries/export.ts';
import { resetRun } from '../../activities/reset.ts';
import type { Phase } from '../../activities/contract.ts';
import { renderExport } from '../../infra/cli/export.ts';
import { run as command } from '../e2e/support/command.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { addSideRows } from '../support/rows.ts';
import { withoutChecks } from '../support/tampering.ts';

const python = process.env['R_ZERO_PYTHON'];

async function manifestOf(folder: string): Promise<ExportManifest> {
  return JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as ExportManifest;
}

/** sha-256 of every file, by its path. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hashed = await Promise.all(
    files.sort().map(async (file) => [
      file.slice(folder.length + 1),
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ]),
  );
  return Object.fromEntries(hashed) as Record<string, string>;
}

type Row = Record<string, unknown>;

async function readJsonl(folder: string, relation: string): Promise<Row[]> {
  const { relations } = await manifestOf(folder);
  const rows: Row[] = [];
  for (const { file } of relations.find(({ name }) => name === relation)!.shards) {
    const text = await readFile(join(folder, file), 'utf8');
    rows.push(
      ...text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row),
    );
  }
  return rows;
}

async function readParquet(folder: string, relation: string): Promise<Row[]> {
  const { relations } = await manifestOf(folder);
  const rows: Row[] = [];
  for (const { file } of relations.find(({ name }) => name === relation)!.shards) {
    rows.push(...((await parquetReadObjects({ file: await asyncBufferFromFile(join(folder, file)) })) as Row[]));
  }
  return rows;
}

const REQUEST = {
  runId: 'tiny',
  what: 'everything',
  format: 'jsonl',
  codeVersion: '0.0.0-test',
  rowsPerShard: 70,
} as const;

interface Reference {
  columns: string[];
  table: string;
  key: string[];
}

async function schemaTables(pool: pg.Pool): Promise<{ name: string; columns: string[]; references: Reference[] }[]> {
  const names = (key: string, relation: string): string =>
    `(select array_agg(a.attname::text order by i) from unnest(${key}) with ordinality k (n, i)
      join pg_attribute a on a.attrelid = ${relation} and a.attnum = k.n)`;
  const { rows } = await pool.query<{ name: string; columns: string[]; references: Reference[] }>(
    `select c.relname as name,
            array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns,
            coalesce((select json_agg(json_build_object('columns', ${names('f.conkey', 'f.conrelid')}, 'table', r.relname,
                                                        'key', ${names('f.confkey', 'f.confrelid')}))
                      from pg_constraint f join pg_class r on r.oid = f.confrelid
                      where f.conrelid = c.oid and f.contype = 'f'), '[]') as references
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('r_zero', 'r_zero_all') and c.relkind = 'r' order by 1`,
  );
  return rows;
}

describe('exporting a run', () => {
  let pool: pg.Pool;
  let url: string;
  const out = (name: string): string => join(root, name);
  let root: string;
  let runner: ActivityRunner;
  /** Every table of the schema, with what it refers to. */
  let tables: { name: string; columns: string[]; references: Reference[] }[];
  const write = (output: string, request: Partial<ExportRequest> = {}): Promise<ExportReport> =>
    exportRun(pool, { ...REQUEST, output: out(output), ...request });

  before(async () => {
    root = temporaryFolder();
    ({ pool, url } = await createDatabase());
    tables = await schemaTables(pool);
    runner = new ActivityRunner(pool);
    const file = join(root, 'set.jsonl');
    await writeFile(file, '{"question": "2+3", "answer": "5"}');
    await runner.open({
      ...TINY,
      runId: 'tiny',
      iterations: 2,
      oracles: { anchors: { questions: 3 } },
      evaluation: { ...(TINY['evaluation'] as object), sets: [{ set: 'file', file }] },
    });
    for (const iteration of [0, 1]) await runner.iterate('tiny', iteration);
    await runner.checkAlarms('evaluation', 'tiny', 1);
    await addSideRows(pool, 'tiny');
    // Another run in the same tables, and an iteration that is not finished.
    await runner.open({ ...TINY, runId: 'other', seed: 2 });
    for (const iteration of [0, 1]) await runner.iterate('other', iteration);
    await runner.begin('tiny', 2);
    await runner.unit('challenger_training', 'tiny', 2, 0);
  });

  /** Rows of finished iterations, and of tables that know of none all. */
  async function assertSameCounts(report: ExportReport, schema: 'r_zero' | 'r_zero_all'): Promise<void> {
    const parents: Record<string, [table: string, key: string]> = {
      votes: ['questions', 'question_id'],
      evaluation_items: ['evaluations', 'evaluation_id'],
      anchor_answers: ['anchors', 'anchor_id'],
    };
    for (const { name, columns } of tables) {
      const parent = parents[name];
      if (name in LEFT_OUT || !(parent ?? columns.includes('run_id'))) continue;
      const home = async (table: string): Promise<string> => {
        const { rows } = await pool.query<{ home: string | null }>('select to_regclass($1)::text as home', [
          `${schema}.${table}`,
        ]);
        return rows[0]?.home ?? `r_zero.${table}`;
      };
      const from = `${await home(name)} t ${parent === undefined ? '' : `join ${await home(parent[0])} using (${parent[1]})`}`;
      const isPlaced = parent !== undefined || (columns.includes('phase') && name !== 'takes');
      // An attempt is of the take that it was made in.
      const ofTake = `and (iteration, phase, take) in (select iteration, phase, take from ${await home('phases')} where run_id = 'tiny')`;
      const { rows } = await pool.query<{ count: string }>(
        `select count(*) from ${from} where run_id = 'tiny' ${isPlaced ? 'and iteration <= 1' : ''}
         ${name === 'attempts' ? ofTake : ''}`,
      );
      assert.equal(report.relations.find((relation) => relation.name === name)?.rows, Number(rows[0]?.count), name);
    }
  }

  /** No row refers to one that is not in the export. */
  async function assertClosed(folder: string): Promise<void> {
    const rows = new Map<string, Row[]>();
    for (const { name } of tables) if (!(name in LEFT_OUT)) rows.set(name, await readJsonl(folder, name));
    for (const { name, references } of tables) {
      for (const { columns, table, key } of references) {
        const known = new Set(rows.get(table)?.map((row) => JSON.stringify(key.map((column) => row[column]))));
        for (const row of rows.get(name) ?? []) {
          const value = columns.map((column) => row[column]);
          if (value.includes(null)) continue;
          assert.ok(known.has(JSON.stringify(value)), `${name} refers to ${table} ${JSON.stringify(value)}`);
        }
      }
    }
  }

  test('every table is exported with all of its columns, or named with the reason why not', async () => {
    const relations = new Map((await exportRelations(pool, 'everything', 'current')).map((each) => [each.name, each]));
    for (const { name, columns } of tables) {
      assert.equal(relations.has(name), !(name in LEFT_OUT), name);
      for (const column of relations.has(name) ? columns : []) {
        const found = relations.get(name)!.columns.find((each) => each.name === column);
        assert.ok(found && found.description.length > 5, `${name}.${column}`);
      }
    }
    assert.deepEqual(
      [...relations.keys(), ...Object.keys(LEFT_OUT)].sort(),
      tables.map(({ name }) => name),
    );
  });

  test('every row and column of the finished iterations is there, in either form with equal values', async () => {
    const report = await write('all');
    assert.deepEqual([report.iterations, report.planned], [1, 2]);
    await assertClosed(out('all'));
    await write('all-parquet', { format: 'parquet' });
    for (const { name, columns } of await exportRelations(pool, 'everything', 'current')) {
      const rows = await readJsonl(out('all'), name);
      assert.ok(rows.length > 0, `${name} has a row to compare`);
      assert.equal(report.relations.find((relation) => relation.name === name)?.rows, rows.length, name);
      for (const row of rows)
        assert.deepEqual(
          Object.keys(row),
          columns.map((column) => column.name),
          name,
        );
      const parquet = await readParquet(out('all-parquet'), name);
      assert.equal(parquet.length, rows.length, name);
      for (const [index, row] of rows.entries()) {
        for (const { name: column, type } of columns) {
          const [a, b] = [row[column], parquet[index]![column]];
          const seen =
            typeof b === 'bigint'
              ? Number(b)
              : b instanceof Date
                ? b.toISOString().slice(0, -1)
                : type === 'json' && typeof b === 'string'
                  ? (JSON.parse(b) as unknown)
                  : b;
          const wanted =
            type === 'timestamp' && typeof a === 'string'
              ? a.slice(0, 23)
              : type === 'float32[]'
                ? (a as number[]).map(Math.fround)
                : a;
          assert.deepEqual(
            type === 'float32[]' ? (seen as number[]).map(Math.fround) : (seen ?? null),
            wanted,
            `${name}.${column}`,
          );
        }
      }
    }
    await assertSameCounts(report, 'r_zero');
    const stored = await pool.query<{ completion: string; tokens: number[] }>(
      `select completion, tokens from r_zero.answers where run_id = 'tiny' and iteration <= 1 order by question_id, sample`,
    );
    const exported = (await readJsonl(out('all'), 'answers')).sort(
      (a, b) => Number(a['question_id']) - Number(b['question_id']) || Number(a['sample']) - Number(b['sample']),
    );
    assert.deepEqual(
      exported.map(({ completion, tokens }) => ({ completion, tokens })),
      stored.rows,
    );
  });

  test('the data set and the rollouts are what the views say', async () => {
    await write('dataset', { what: 'dataset' });
    const { rows } = await pool.query<Row>(
      `select d.question_id::int, question, d.label, p_hat, a.agrees as label_is_true from r_zero.dataset d
       left join r_zero.audits a on a.question_id = d.question_id and a.oracle = 'computed'
       where d.run_id = 'tiny' and d.iteration = 1 order by d.iteration, dataset_index`,
    );
    const exported = await readJsonl(out('dataset'), 'dataset');
    assert.ok(rows.length > 2);
    assert.deepEqual(
      exported.map(({ question_id, question, label, p_hat, label_is_true }) => ({
        question_id,
        question,
        label,
        p_hat,
        label_is_true,
      })),
      rows,
    );
    const {
      rows: [step],
    } = await pool.query<Row>(
      `select count(*)::int as n, avg(w.total) as mean from r_zero.rollouts r join r_zero.rewards w using (rollout_id) where r.run_id = 'tiny'`,
    );
    await write('rollouts', { what: 'rollouts' });
    const rollouts = await readJsonl(out('rollouts'), 'rollouts');
    assert.equal(rollouts.length, step!['n']);
    const mean = rollouts.reduce((sum, { reward }) => sum + Number(reward), 0) / rollouts.length;
    assert.ok(Math.abs(mean - Number(step!['mean'])) < 1e-12);
  });

  test('an export that is interrupted anywhere ends with the same bytes, and does no finished shard again', async () => {
    for (const format of ['jsonl', 'parquet', 'hf'] as const) {
      await write(`whole-${format}`, { format });
      let starts = 0;
      let reused = 0;
      for (;;) {
        const controller = new AbortController();
        let pages = 0;
        const onProgress = (): void => {
          if (++pages === 4 + starts) controller.abort(new Error('stopped'));
        };
        starts++;
        try {
          ({ reusedShards: reused } = await write(`pieces-${format}`, {
            format,
            onProgress,
            signal: controller.signal,
          }));
          break;
        } catch (error) {
          assert.match(String(error), /stopped/);
          assert.equal((await manifestOf(out(`pieces-${format}`))).complete, false);
        }
      }
      assert.ok(starts > 3, `${starts} starts`);
      assert.ok(reused > 10);
      assert.deepEqual(await contentOf(out(`pieces-${format}`)), await contentOf(out(`whole-${format}`)), format);
    }
  });

  test('a finished shard is not touched again; one that was damaged is written again, with what an earlier process left', async () => {
    const folder = out('again');
    await write('again');
    const before = await contentOf(folder);
    const { relations } = await manifestOf(folder);
    const shards = relations.find(({ name }) => name === 'answers')!.shards;
    assert.ok(shards.length > 3);
    const [first, second] = [join(folder, shards[0]!.file), join(folder, shards[1]!.file)];
    const written = (await stat(first)).mtimeMs;
    assert.equal(
      (await write('again')).reusedShards,
      relations.reduce((sum, { shards: all }) => sum + all.length, 0),
    );
    await truncate(second, 100);
    await writeFile(join(folder, 'answers', '.00001.jsonl.part'), 'half');
    await rm(join(folder, relations[0]!.shards[0]!.file));
    await write('again');
    assert.deepEqual(await contentOf(folder), before);
    assert.equal((await stat(first)).mtimeMs, written);
  });

  test('rows that come later are not of an export that has begun', async () => {
    const controller = new AbortController();
    const stopped = write('early', {
      onProgress: () => controller.abort(new Error('stopped')),
      signal: controller.signal,
    });
    await assert.rejects(stopped, /stopped/);
    await pool.query(`insert into r_zero.recomputations (run_id, version, preset, preset_version, gate, code_version)
      values ('tiny', 3, 'paper', 1, '{}', 'x')`);
    await pool.query(`insert into r_zero.run_inputs (run_id, version, config, changes, requested_by, code_version)
      select run_id, 3, config, '{}', 'x', 'x' from r_zero.runs where run_id = 'tiny'`);
    await write('early');
    await write('late');
    for (const table of ['recomputations', 'run_inputs']) {
      assert.equal((await readJsonl(out('early'), table)).length, 1, table);
      assert.equal((await readJsonl(out('late'), table)).length, 2, table);
      await withoutChecks(pool, (client) => client.query(`delete from r_zero.${table} where version = 3`));
    }
  });

  test('other folders, other exports and unfinished runs are refused, each with what to do', async () => {
    await mkdir(out('mine'));
    await (await open(join(out('mine'), 'thesis.tex'), 'w')).close();
    await assert.rejects(write('mine'), { code: 'RunInputInvalid', field: 'output', fix: /nothing of yours/ });
    assert.deepEqual(await readdir(out('mine')), ['thesis.tex']);
    await writeFile(out('file'), '');
    await assert.rejects(write('file'), { code: 'RunInputInvalid', field: 'output' });
    await write('taken', { what: 'dataset' });
    await assert.rejects(write('taken', { what: 'rollouts' }), /holds another export: what "dataset", not "rollouts"/);
    await assert.rejects(write('taken', { what: 'dataset', runId: 'other' }), { field: 'output', fix: /--output/ });
    await writeFile(join(out('taken'), 'manifest.json'), '{}');
    await assert.rejects(write('taken', { what: 'dataset' }), /is not the manifest of an export/);
    await assert.rejects(write('none', { runId: 'nobody' }), { code: 'RunNotFound' });
    await runner.open({ ...TINY, runId: 'fresh' });
    await assert.rejects(write('none', { runId: 'fresh' }), { code: 'RunInputInvalid', field: 'runId' });
  });

  test('the card says what is in it and where it comes from, and text of others stays text', async () => {
    await withoutChecks(pool, (client) =>
      client.query(
        `update r_zero.runs set config = config || '{"model": "/home/me/secret/<b>|x"}' where run_id = 'other'`,
      ),
    );
    await write('card', { what: 'dataset', format: 'hf', runId: 'other', licence: 'Apache-2.0' });
    const card = await readFile(join(out('card'), 'README.md'), 'utf8');
    const { relations, files } = await manifestOf(out('card'));
    assert.equal(files[0]?.sha256, createHash('sha256').update(card).digest('hex'));
    assert.match(
      card,
      /^---\npretty_name: "R-Zero run other: dataset"\nlicense: other\n[^]*path: data\/dataset\/train-\*\.parquet\n---\n/,
    );
    assert.match(card, new RegExp(`\\| \`dataset\` \\| ${relations[0]!.rows} \\|`));
    const { rows } = await pool.query<Row>(
      `select profile_hash, base_checkpoint_id from r_zero.runs where run_id = 'other'`,
    );
    assert.ok(card.includes(String(rows[0]!['profile_hash'])) && card.includes(String(rows[0]!['base_checkpoint_id'])));
    assert.ok(card.includes('the folder &lt;b&gt;\\|x') && !card.includes('/home/me'));
    assert.match(card, /## Licence\n\nMade with the model .* which is under Apache-2\.0/);
    for (const { name, description } of (await exportRelations(pool, 'dataset', 'current'))[0]!.columns) {
      assert.ok(description.length > 5, name);
      assert.ok(card.includes(`| \`${name}\` |`), name);
    }
  });

  test('the command writes where it is told, and says so', async () => {
    const argv = ['export', '--run', 'tiny', '--output', out('by-command'), '--data-dir', root];
    const outcome = await command(argv, { DATABASE_URL: url });
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.match(
      outcome.stdout,
      /iterations up to 1 of 2; what is not finished is not in it[^]*dataset +\d+ +1 [^]*load_dataset\(/,
    );
    const again = await command([...argv, '--json'], { DATABASE_URL: url });
    const report = JSON.parse(again.stdout) as ExportReport;
    assert.equal(report.reusedShards, 1);
    const none = report.relations.map((relation) => ({ ...relation, rows: 0 }));
    assert.doesNotMatch(renderExport({ ...report, relations: none }), /load_dataset/);
    const refused = await command([...argv, '--format', 'jsonl'], { DATABASE_URL: url });
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /\[RunInputInvalid\].*holds another export.*\n {2}field: output\n {2}fix: Choose another folder/,
    );
  });

  test('one folder is written to by one export at a time', async () => {
    const refused = { code: 'StackBusy', field: 'output', message: /Another export is writing to/ };
    let other: Promise<void> | undefined;
    await write('shared', { onProgress: () => void (other ??= assert.rejects(write('shared'), refused)) });
    assert.ok(other);
    await other;
    await write('shared');
  });

  describe('after a reset', () => {
    const reset = async (iteration: number, phase: Phase): Promise<void> => {
      const request = { runId: 'tiny', requestedBy: 'alice', iteration, phase };
      await resetRun(runner.deps, request, { mayReset: () => Promise.resolve(true), status: 'waiting' });
      await runner.open({ runId: 'tiny' });
    };
    const begin = async (name: string, request: Partial<ExportRequest> = {}): Promise<void> => {
      const controller = new AbortController();
      let pages = 0;
      const onProgress = (): void => {
        if (++pages === 15) controller.abort(new Error('stopped'));
      };
      await assert.rejects(write(name, { ...request, onProgress, signal: controller.signal }), /stopped/);
    };
    const refused = {
      code: 'RunInputInvalid',
      field: 'output',
      message: /holds rows of before run "tiny" was reset to iteration 1, phase labelling \(take 4\)/,
      fix: /--takes all/,
    };
    let intact: ExportReport;

    before(async () => {
      intact = await write('finished');
      await begin('begun');
      await begin('begun-all', { takes: 'all' });
    });

    test('of what an export does not hold it goes on', async () => {
      await reset(2, 'challenger_training');
      await write('begun');
      assert.deepEqual(await contentOf(out('begun')), await contentOf(out('finished')));
      await begin('begun-again');
    });

    test('of what an export holds it is refused, whether it was finished, interrupted or at work', async () => {
      let statements = 0;
      const resetting = {
        connect: () => pool.connect(),
        query: async (text: string, values: unknown[]) => {
          // Between two pages of a shard, or after the last one.
          if (++statements === 40) await reset(1, 'labelling');
          return pool.query(text, values);
        },
      } as unknown as pg.Pool;
      await assert.rejects(exportRun(resetting, { ...REQUEST, output: out('at-work') }), refused);
      assert.ok(statements >= 40);
      for (const name of ['finished', 'begun', 'begun-again']) await assert.rejects(write(name), refused, name);
      await assert.rejects(write('begun-all', { takes: 'all' }), refused);
      await runner.iterate('tiny', 1);
    });

    test('a new export holds the current rows, or those of all takes, which say what superseded them', async () => {
      const current = await write('current');
      await assertClosed(out('current'));
      await assertSameCounts(current, 'r_zero');
      const all = await write('all-takes', { takes: 'all' });
      await write('all-takes-hf', { takes: 'all', format: 'hf' });
      const card = await readFile(join(out('all-takes-hf'), 'README.md'), 'utf8');
      assert.match(card, /- `run_leases`: [^]*`superseded_by` names the take, and is null for current rows/);
      await assertClosed(out('all-takes'));
      await assertSameCounts(all, 'r_zero_all');
      assert.deepEqual([current.resets, all.resets], [3, 3]);
      const rowsOf = ({ relations }: ExportReport, name: string) => relations.find((each) => each.name === name)!.rows;
      for (const name of ['questions', 'takes', 'runs']) assert.equal(rowsOf(all, name), rowsOf(current, name), name);
      for (const name of ['answers', 'votes', 'rollouts', 'evaluation_items', 'anchors']) {
        const rows = await readJsonl(out('all-takes'), name);
        const superseded = rows.filter((row) => row['superseded_by'] !== null);
        assert.ok(superseded.length > 0 && superseded.every((row) => row['superseded_by'] === 4), name);
        assert.equal(rowsOf(all, name) - superseded.length, rowsOf(current, name), name);
        if (name !== 'anchors') assert.equal(rowsOf(current, name), rowsOf(intact, name), `${name} are the same again`);
      }
      await assert.rejects(write('none', { what: 'rollouts', takes: 'all' }), {
        field: 'takes',
        fix: /--what everything/,
      });
      const { stdout } = await command(
        ['export', '--run', 'tiny', '--what', 'everything', '--output', out('printed'), '--data-dir', root],
        { DATABASE_URL: url },
      );
      assert.match(
        stdout,
        /The run was reset 3 times; the rows superseded by that are left out \(--takes all has them\)/,
      );
    });
  });

  test(
    'pyarrow and Hugging Face datasets read the same rows',
    { skip: python ? false : 'R_ZERO_PYTHON is not set' },
    async () => {
      for (const [what, takes] of [
        ['dataset', 'current'],
        ['rollouts', 'current'],
        ['everything', 'current'],
        ['everything', 'all'],
      ] as const) {
        await rm(out(`hf-${what}`), { recursive: true, force: true });
        await rm(out(`jsonl-${what}`), { recursive: true, force: true });
        const report = await write(`hf-${what}`, { what, takes, format: 'hf' });
        await write(`jsonl-${what}`, { what, takes, format: 'jsonl' });
        const script = join(import.meta.dirname, 'load-export.py');
        const cache = join(root, 'cache');
        const { stdout } = await promisify(execFile)(python!, [script, out(`hf-${what}`), '--datasets', cache], {
          env: { ...process.env, HF_HUB_OFFLINE: '1', HF_HOME: cache },
          maxBuffer: 2 ** 26,
        });
        const loaded = JSON.parse(stdout) as Record<
          string,
          { rows: number; digest: string; first: Row[]; datasets: { rows: number; digest: string } }
        >;
        for (const { name, rows } of report.relations) {
          assert.equal(loaded[name]!.rows, rows, `${what} ${name}`);
          if (rows === 0) continue;
          assert.equal(loaded[name]!.datasets.rows, rows, `${what} ${name}`);
          assert.equal(loaded[name]!.datasets.digest, loaded[name]!.digest, `${what} ${name}`);
          const [first] = await readJsonl(out(`jsonl-${what}`), name);
          for (const [column, value] of Object.entries(first ?? {})) {
            const there = loaded[name]!.first[0]![column];
            // Python prints instants in a form of its own.
            if (typeof value === 'string' && /^\d{4}-.*Z$/.test(value)) continue;
            const isJson = typeof value === 'object' && typeof there === 'string';
            const wanted = column === 'logprobs' ? (value as number[]).map(Math.fround) : value;
            assert.deepEqual(isJson ? JSON.parse(there) : there, wanted, `${name}.${column}`);
          }
        }
      }
    },
  );
});
