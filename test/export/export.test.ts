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
import { exportRelations } from '../../db/queries/export.ts';
import { run as command } from '../e2e/support/command.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';
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

describe('exporting a run', () => {
  let pool: pg.Pool;
  let url: string;
  const out = (name: string): string => join(root, name);
  let root: string;
  const write = (output: string, request: Partial<ExportRequest> = {}): Promise<ExportReport> =>
    exportRun(pool, {
      runId: 'tiny',
      what: 'everything',
      format: 'jsonl',
      output: out(output),
      codeVersion: '0.0.0-test',
      rowsPerShard: 70,
      ...request,
    });

  before(async () => {
    root = temporaryFolder();
    ({ pool, url } = await createDatabase());
    const runner = new ActivityRunner(pool);
    await runner.open({ ...TINY, runId: 'tiny', iterations: 2 });
    for (const iteration of [0, 1]) await runner.iterate('tiny', iteration);
    // Another run in the same tables, and an iteration that is not finished.
    await runner.open({ ...TINY, runId: 'other', seed: 2 });
    for (const iteration of [0, 1]) await runner.iterate('other', iteration);
    await runner.begin('tiny', 2);
    await runner.unit('challenger_training', 'tiny', 2, 0);
  });

  test('every row and column of the finished iterations is there, in either form with equal values', async () => {
    const report = await write('all');
    assert.deepEqual([report.iterations, report.planned], [1, 2]);
    await write('all-parquet', { format: 'parquet' });
    for (const { name, columns } of await exportRelations(pool, 'everything')) {
      const rows = await readJsonl(out('all'), name);
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
    const counts: Record<string, string> = {
      questions: `select count(*) from r_zero.questions where run_id = 'tiny' and iteration <= 1`,
      answers: `select count(*) from r_zero.answers where run_id = 'tiny' and iteration <= 1`,
      votes: `select count(*) from r_zero.votes join r_zero.questions q using (question_id) where q.run_id = 'tiny' and q.iteration <= 1`,
      rewards: `select count(*) from r_zero.rewards where run_id = 'tiny' and iteration <= 1`,
      evaluation_items: `select count(*) from r_zero.evaluation_items join r_zero.evaluations e using (evaluation_id) where e.run_id = 'tiny' and e.iteration <= 1`,
      units: `select count(*) from r_zero.units where run_id = 'tiny' and iteration <= 1`,
    };
    for (const [name, statement] of Object.entries(counts)) {
      const { rows } = await pool.query<{ count: string }>(statement);
      assert.equal(report.relations.find((relation) => relation.name === name)?.rows, Number(rows[0]?.count), name);
    }
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
       left join r_zero.audits a using (question_id)
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
      values ('tiny', 2, 'paper', 1, '{}', 'x')`);
    await write('early');
    assert.equal((await readJsonl(out('early'), 'recomputations')).length, 0);
    await write('late');
    assert.equal((await readJsonl(out('late'), 'recomputations')).length, 1);
    await withoutChecks(pool, (client) => client.query('delete from r_zero.recomputations'));
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
    const runner = new ActivityRunner(pool);
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
    for (const { name, description } of (await exportRelations(pool, 'dataset'))[0]!.columns) {
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
    const refused = await command([...argv, '--format', 'jsonl'], { DATABASE_URL: url });
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /\[RunInputInvalid\].*holds another export.*\n {2}field: output\n {2}fix: Choose another folder/,
    );
  });

  test(
    'pyarrow and Hugging Face datasets read the same rows',
    { skip: python ? false : 'R_ZERO_PYTHON is not set' },
    async () => {
      for (const what of ['dataset', 'rollouts', 'everything'] as const) {
        const report = await write(`hf-${what}`, { what, format: 'hf' });
        await write(`jsonl-${what}`, { what, format: 'jsonl' });
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
