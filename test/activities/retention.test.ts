import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import { createLocalEngine } from '../../activities/engine/index.ts';
import { listCheckpoints } from '../../activities/retention/list.ts';
import { pruneRun } from '../../activities/retention/prune.ts';
import type { PruneRequest } from '../../activities/retention/prune.ts';
import { verifyCheckpoints } from '../../activities/retention/verify.ts';
import { refusePruned } from '../../activities/store.ts';
import { renderList, renderPrune, renderVerify } from '../../infra/cli/checkpoint-text.ts';
import { checkpointBefore } from '../../db/queries/lineage.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { createDatabase } from '../support/postgres.ts';
import { withoutChecks } from '../support/tampering.ts';

const RUN = { ...TINY, runId: 'tiny', iterations: 2 };

/** Reads every file it opens. */
const engine = () => createLocalEngine({ cacheBytes: 0 });

const request = (dataDir: string, changes: Partial<PruneRequest> = {}): PruneRequest => ({
  dataDir,
  runId: 'tiny',
  keep: { kind: 'iterations' },
  optimizerOnly: false,
  dryRun: false,
  codeVersion: '0.0.0-test',
  ...changes,
});

async function statesOf(pool: pg.Pool, dataDir: string): Promise<Record<string, string>> {
  const listed = await listCheckpoints(pool, { dataDir });
  return Object.fromEntries(
    listed.map(({ places: [place], state }) => [`${place?.role} ${place?.iteration}.${place?.step}`, state]),
  );
}

/** A command of ours in a process of its own, on a database that is there. */
function runCommand(argv: string[], url: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = new URL('../../infra/cli/main.ts', import.meta.url).href;
  const script = `const { main } = await import(${JSON.stringify(main)}); process.exitCode = await main(process.argv.slice(1));`;
  const options = { env: { ...process.env, DATABASE_URL: url } };
  return new Promise((resolve) => {
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script, '--', ...argv];
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

const prunings = async (pool: pg.Pool) =>
  (
    await pool.query<{ what: string; policy: string; checkpoint_id: string }>(
      'select checkpoint_id, what, policy from r_zero.checkpoint_prunings order by pruning_id',
    )
  ).rows;

describe('a run with a policy of its own', () => {
  const iterateAndPrune = async (keep?: string) => {
    const { pool } = await createDatabase();
    const runner = new ActivityRunner(pool, { engine: engine() });
    await runner.open({ ...RUN, ...(keep === undefined ? {} : { checkpoints: { keep } }) });
    await runner.iterate('tiny', 0);
    const results = [];
    for (const iteration of [1, 2]) {
      await runner.iterate('tiny', iteration);
      results.push(await runner.prune('tiny', iteration));
    }
    return { pool, runner, results, dataDir: runner.deps.dataDir };
  };

  test('keeps the ends of iterations when nothing is said, and comes to the same rows as one that keeps all', async () => {
    const all = await iterateAndPrune('all');
    assert.deepEqual(all.results, [
      { pruned: 0, bytes: 0 },
      { pruned: 0, bytes: 0 },
    ]);
    const kept = await iterateAndPrune();
    assert.deepEqual(await fingerprint(kept.pool, 'tiny'), await fingerprint(all.pool, 'tiny'));
    const states = await statesOf(kept.pool, kept.dataDir);
    assert.deepEqual(
      Object.keys(states).filter((place) => states[place] !== 'pruned'),
      ['base 0.0', 'challenger 1.2', 'solver 1.3', 'challenger 2.2', 'solver 2.3'],
    );
    assert.ok((await verifyCheckpoints(kept.pool, { dataDir: kept.dataDir, ids: [] })).ok);
    assert.ok((await prunings(kept.pool)).every(({ policy }) => policy === 'keep iterations'));
    assert.deepEqual(await prunings(all.pool), []);

    const before = await prunings(kept.pool);
    assert.deepEqual(await kept.runner.prune('tiny', 2), { pruned: 0, bytes: 0 });
    assert.deepEqual(await prunings(kept.pool), before);
  });

  test('keeps the last policies alone when told so', async () => {
    const { pool, dataDir, results } = await iterateAndPrune('last');
    const states = await statesOf(pool, dataDir);
    assert.deepEqual(
      Object.keys(states).filter((place) => states[place] !== 'pruned'),
      ['base 0.0', 'challenger 2.2', 'solver 2.3'],
    );
    assert.ok(results.every(({ pruned, bytes }) => pruned > 0 && bytes > 0));
  });

  test('a run from before there was a choice keeps everything', async () => {
    const { pool } = await createDatabase();
    const runner = new ActivityRunner(pool, { engine: engine() });
    await runner.open(RUN);
    await withoutChecks(pool, (client) => client.query(`update r_zero.runs set config = config - 'checkpoints'`));
    await runner.iterate('tiny', 1);
    assert.deepEqual(await runner.prune('tiny', 1), { pruned: 0, bytes: 0 });
  });

  test('a workflow that has lost the run deletes nothing', async () => {
    const { pool } = await createDatabase();
    const runner = new ActivityRunner(pool, { engine: engine() });
    await runner.open(RUN);
    await runner.iterate('tiny', 1);
    const stale = new ActivityRunner(pool, { dataDir: runner.deps.dataDir, workflowId: 'r-zero/stale' });
    await assert.rejects(stale.prune('tiny', 1), { type: 'RunConflict' });
    assert.deepEqual(await prunings(pool), []);
  });
});

describe('pruning a run that goes on', () => {
  test('changes none of its rows and hashes', async () => {
    const whole = new ActivityRunner((await createDatabase()).pool, { engine: engine() });
    await whole.open(RUN);
    for (const iteration of [0, 1, 2]) await whole.iterate('tiny', iteration);

    const { pool } = await createDatabase();
    const runner = new ActivityRunner(pool, { engine: engine() });
    const { dataDir } = runner.deps;
    // Whoever holds the run, the strictest policy may be applied between any two of its steps.
    const prune = async (status: string, keep: PruneRequest['keep'] = { kind: 'last' }) => {
      await pool.query('update r_zero.runs set status = $1', [status]);
      await pruneRun(pool, request(dataDir, { keep }));
    };
    await runner.open(RUN);
    for (const iteration of [0, 1, 2]) {
      const plan = await runner.begin('tiny', iteration);
      for (const { phase, units } of plan.phases) {
        for (let unit = 0; unit < units; unit++) {
          await runner.unit(phase, 'tiny', iteration, unit);
          await prune(iteration === 1 ? 'running' : 'failed');
        }
      }
    }
    assert.deepEqual(await fingerprint(pool, 'tiny'), await fingerprint(whole.deps.database, 'tiny'));

    const report = await verifyCheckpoints(pool, { dataDir, ids: [] });
    assert.ok(report.ok);
    assert.deepEqual(report.unknown, []);
    assert.deepEqual(await statesOf(pool, dataDir), {
      'base 0.0': 'present',
      'challenger 1.1': 'pruned',
      'challenger 1.2': 'pruned',
      'solver 1.1': 'pruned',
      'solver 1.2': 'pruned',
      'solver 1.3': 'pruned',
      'challenger 2.1': 'pruned',
      'challenger 2.2': 'present',
      'solver 2.1': 'pruned',
      'solver 2.2': 'pruned',
      'solver 2.3': 'present',
    });

    // A run that would need what is gone says so: here iteration 2 once more, as a database restored from a copy would.
    const gone = await checkpointBefore(pool, 'tiny', 'solver', 2, 2);
    await withoutChecks(pool, (client) =>
      client.query(
        `begin; delete from r_zero.rewards where iteration = 2 and phase = 'solver_training' and unit = 2;
       delete from r_zero.rollouts where iteration = 2 and phase = 'solver_training' and unit = 2;
       delete from r_zero.policy_updates where iteration = 2 and phase = 'solver_training' and unit = 2;
       delete from r_zero.units where iteration = 2 and phase = 'solver_training' and unit = 2; commit`,
      ),
    );
    await assert.rejects(runner.unit('solver_training', 'tiny', 2, 2), (error: Error & { type?: string }) => {
      assert.match(error.message, new RegExp(`${gone}.*was pruned on .*keep last.*from a copy`));
      assert.equal(error.type, 'CheckpointPruned');
      return true;
    });
  });
});

describe('the checkpoints of a finished run', () => {
  let pool: pg.Pool;
  let url: string;
  let pristine: string;
  before(async () => {
    ({ pool, url } = await createDatabase());
    const runner = new ActivityRunner(pool);
    pristine = runner.deps.dataDir;
    await runner.open(RUN);
    for (const iteration of [0, 1, 2]) await runner.iterate('tiny', iteration);
  });

  /** The run's files and rows as they were. */
  async function fresh(): Promise<string> {
    await withoutChecks(pool, (client) => client.query('delete from r_zero.checkpoint_prunings'));
    const dataDir = temporaryFolder();
    await cp(join(pristine, 'checkpoints'), join(dataDir, 'checkpoints'), { recursive: true });
    return dataDir;
  }

  test('are listed with what they are and what refers to them', async () => {
    const dataDir = await fresh();
    const listed = await listCheckpoints(pool, { dataDir, runId: 'tiny' });
    assert.equal(listed.length, 11);
    const base = listed.find(({ places }) => places[0]?.role === 'base');
    assert.equal(base?.hasOptimizer, false);
    assert.equal(base.references['runs'], 1);
    const end = listed.find(
      ({ places: [place] }) => place?.role === 'solver' && place.iteration === 1 && place.step === 3,
    );
    assert.deepEqual([end?.hasOptimizer, end?.state], [true, 'present']);
    assert.equal(end?.references['evaluations'], 2);
    assert.match(renderList(listed, dataDir), /tiny +solver +1 +3 +kept +present/);
    await assert.rejects(listCheckpoints(pool, { dataDir, runId: 'nobody' }), { code: 'RunNotFound' });
    assert.match(renderList(await listCheckpoints(pool, { dataDir: join(dataDir, 'x') }), 'x'), /--data-dir/);
  });

  test('a dry run tells what a prune then does, and does nothing', async () => {
    const dataDir = await fresh();
    const before = await statesOf(pool, dataDir);
    const planned = await pruneRun(pool, request(dataDir, { dryRun: true }));
    assert.deepEqual(await statesOf(pool, dataDir), before);
    assert.deepEqual(await prunings(pool), []);
    const done = await pruneRun(pool, request(dataDir));
    assert.deepEqual({ ...done, dryRun: true }, planned);
    assert.match(renderPrune(planned), /dry run/);
    assert.match(renderPrune(done), /freed, recorded in checkpoint_prunings\. 5 checkpoints stay\./);
    assert.deepEqual(await statesOf(pool, dataDir), {
      ...before,
      'challenger 1.1': 'pruned',
      'challenger 1.2': 'optimizer pruned',
      'solver 1.1': 'pruned',
      'solver 1.2': 'pruned',
      'solver 1.3': 'optimizer pruned',
      'challenger 2.1': 'pruned',
      'solver 2.1': 'pruned',
      'solver 2.2': 'pruned',
    });
    const rows = await prunings(pool);
    assert.deepEqual(
      rows.map(({ checkpoint_id, what }) => `${checkpoint_id} ${what}`).sort(),
      done.pruned.map(({ checkpointId, what }) => `${checkpointId} ${what}`).sort(),
    );
    assert.deepEqual([...new Set(rows.map(({ policy }) => policy))], ['keep iterations']);
    const again = await pruneRun(pool, request(dataDir));
    assert.deepEqual([again.pruned.length, (await prunings(pool)).length], [0, rows.length]);
  });

  test('moments alone can go, and then the weights', async () => {
    const dataDir = await fresh();
    const first = await pruneRun(pool, request(dataDir, { optimizerOnly: true }));
    assert.deepEqual([first.pruned.length, first.kept], [8, 11]);
    const states = Object.values(await statesOf(pool, dataDir));
    assert.equal(states.filter((state) => state === 'optimizer pruned').length, 8);
    assert.ok((await verifyCheckpoints(pool, { dataDir, ids: [] })).ok);
    const second = await pruneRun(pool, request(dataDir, { keep: { kind: 'last' } }));
    assert.deepEqual([second.pruned.length, second.kept], [8, 3]);
    assert.ok(second.pruned.every(({ what }) => what === 'weights'));
  });

  test('a prune that is killed anywhere is recorded, harms nothing, and is completed by the next', async () => {
    for (const calls of [0, 1, 3, 5, 9, 10, 11, 40]) {
      const dataDir = await fresh();
      let left = calls;
      const limited =
        <A extends unknown[]>(call: (...args: A) => Promise<void>) =>
        (...args: A): Promise<void> =>
          left-- > 0 ? call(...args) : Promise.reject(new Error('killed'));
      const fs = { rename: limited(rename), rm: limited(rm) };
      await assert.rejects(pruneRun(pool, request(dataDir, { fs })), /killed/);
      assert.ok((await prunings(pool)).length > 0);
      const verified = await verifyCheckpoints(pool, { dataDir, ids: [] });
      assert.ok(verified.ok, JSON.stringify(verified.checkpoints.filter(({ problems }) => problems.length > 0)));
      const interrupted = verified.checkpoints.filter(({ unfinished }) => unfinished);
      assert.equal(interrupted.length, 1, `${calls} calls`);
      const report = await pruneRun(pool, request(dataDir));
      assert.equal(report.pruned.filter(({ resumed }) => resumed).length, 1);
      const after = await verifyCheckpoints(pool, { dataDir, ids: [] });
      assert.ok(after.ok && after.checkpoints.every(({ unfinished }) => !unfinished));
      assert.equal((await prunings(pool)).length, 8, 'each deletion is recorded once');
      for (const { checkpointId } of after.checkpoints.filter(({ status }) => status === 'pruned')) {
        assert.deepEqual((await readdir(join(dataDir, 'checkpoints', checkpointId))).sort(), [
          'manifest.json',
          'pruned.json',
        ]);
      }
    }
  });

  test('a flipped byte, a missing file and a stray folder are found by name; a marker without a row excuses nothing', async () => {
    const dataDir = await fresh();
    const folderOf = (id: string): string => join(dataDir, 'checkpoints', id);
    const ids = (await listCheckpoints(pool, { dataDir })).map(({ checkpointId }) => checkpointId);
    const [flipped, lacking, lost, unrecorded] = ids.slice(1) as [string, string, string, string];
    const weights = join(folderOf(flipped), 'model.safetensors');
    const bytes = await readFile(weights);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(weights, bytes);
    await rm(join(folderOf(lacking), 'tokenizer.json'));
    await rm(folderOf(lost), { recursive: true });
    await rm(join(folderOf(unrecorded), 'optimizer.safetensors'));
    const marker = { formatVersion: 1, files: ['optimizer.safetensors'], reason: '', codeVersion: '', prunedAt: '' };
    await writeFile(join(folderOf(unrecorded), 'pruned.json'), JSON.stringify(marker));
    await mkdir(folderOf('stray'));

    const report = await verifyCheckpoints(pool, { dataDir, ids: [] });
    const found = new Map(report.checkpoints.map((checkpoint) => [checkpoint.checkpointId, checkpoint]));
    assert.equal(report.ok, false);
    assert.deepEqual(report.unknown, ['stray']);
    assert.equal(found.get(flipped)?.status, 'corrupt');
    const [problem, ...more] = found.get(flipped)!.problems;
    assert.deepEqual([problem?.file, problem?.problem, more], ['model.safetensors', 'hash', []]);
    assert.match(problem?.expected ?? '', /^[0-9a-f]{64}$/);
    assert.notEqual(problem?.actual, problem?.expected);
    assert.equal(found.get(lacking)?.status, 'missing');
    assert.deepEqual(found.get(lacking)?.problems, [{ file: 'tokenizer.json', problem: 'missing' }]);
    assert.equal(found.get(lost)?.status, 'missing');
    assert.equal(found.get(unrecorded)?.status, 'missing');
    assert.equal(report.checkpoints.filter(({ status }) => status === 'ok').length, 7);
    const text = renderVerify(report, dataDir);
    assert.match(text, /model\.safetensors differs: expected [0-9a-f]{64}, found [0-9a-f]{64}/);
    assert.match(text, /tokenizer\.json is missing/);
    assert.match(text, /4 of 11 are not as they were written/);

    const one = await verifyCheckpoints(pool, { dataDir, ids: [flipped.slice(0, 12)] });
    assert.deepEqual(
      one.checkpoints.map(({ checkpointId }) => checkpointId),
      [flipped],
    );
    assert.equal(one.unknown, undefined);
    await assert.rejects(verifyCheckpoints(pool, { dataDir, ids: ['0'.repeat(64)] }), { code: 'CheckpointMissing' });
  });

  test('the commands print one JSON value, and verify ends with 1 when something is wrong', async () => {
    const dataDir = await fresh();
    const r0 = (...argv: string[]) => runCommand(['checkpoint', ...argv, '--data-dir', dataDir], url);
    const pruned = await r0('prune', '--run', 'tiny', '--keep', 'every:2', '--json');
    assert.deepEqual([pruned.code, (JSON.parse(pruned.stdout) as { policy: string }).policy], [0, 'keep every:2']);
    const listed = JSON.parse((await r0('list', '--run', 'tiny', '--json')).stdout) as { state: string }[];
    assert.deepEqual([listed.length, listed.filter(({ state }) => state === 'present').length], [11, 3]);
    assert.equal((await r0('verify')).code, 0);
    const { checkpointId } = (await listCheckpoints(pool, { dataDir })).find(({ state }) => state === 'present')!;
    await rm(join(dataDir, 'checkpoints', checkpointId, 'config.json'));
    const verified = await r0('verify', checkpointId.slice(0, 12), '--json');
    assert.deepEqual([verified.code, (JSON.parse(verified.stdout) as { ok: boolean }).ok], [1, false]);
    assert.match((await r0('list', '--run', 'nobody')).stderr, /RunNotFound/);
  });

  test('a prune waits for a step that takes the checkpoint for another run, and then leaves it', async () => {
    const dataDir = await fresh();
    const { rows } = await pool.query<{ id: string }>(
      `select checkpoint_after as id from r_zero.policy_updates where role = 'solver' and iteration = 1 and unit = 0`,
    );
    const id = rows[0]!.id;
    const client = await pool.connect();
    await client.query('begin');
    await client.query(
      `insert into r_zero.runs (run_id, seed, preset, preset_version, control, iterations, status, config, base_checkpoint_id,
                                profile, profile_hash, code_version)
       select 'other', 1, 'default', 1, 'none', 1, 'failed', '{}', $1, '{}', '', ''`,
      [id],
    );
    let isDone = false;
    const pruning = pruneRun(pool, request(dataDir)).finally(() => (isDone = true));
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(isDone, false);
    await client.query('commit');
    client.release();
    const report = await pruning;
    assert.equal(report.pruned.length, 7);
    assert.ok(report.pruned.every(({ checkpointId }) => checkpointId !== id));
    const { checkpoints } = await verifyCheckpoints(pool, { dataDir, ids: [id] });
    assert.deepEqual([checkpoints[0]?.status, checkpoints[0]?.optimizerPruned], ['ok', false]);
    await withoutChecks(pool, (client) => client.query(`delete from r_zero.runs where run_id = 'other'`));
  });

  test('a step does not end with a checkpoint that was pruned under it', async () => {
    const dataDir = await fresh();
    const { pruned } = await pruneRun(pool, request(dataDir));
    const { checkpointId } = pruned[0]!;
    const path = join(dataDir, 'checkpoints', checkpointId);
    const record = { id: checkpointId, path, bytes: 1, files: [], optimizerStep: 1 };
    await assert.rejects(refusePruned(record), { code: 'Internal', retryable: true });
    // Nor with one whose marker went in a race with the step that put the files back.
    await rm(join(path, 'pruned.json'));
    const files = [{ name: 'model.safetensors', bytes: 1, sha256: '' }];
    await assert.rejects(refusePruned({ ...record, files }), { code: 'Internal', retryable: true });
  });

  test('what another run uses stays, and what it writes again is back', async () => {
    const dataDir = await fresh();
    await pruneRun(pool, request(dataDir, { keep: { kind: 'last' } }));
    const twin = new ActivityRunner(pool, { dataDir, engine: engine() });
    await twin.open({ ...RUN, runId: 'twin', iterations: 1 });
    for (const iteration of [0, 1]) await twin.iterate('twin', iteration);
    const states = await statesOf(pool, dataDir);
    assert.deepEqual(
      ['challenger 1.1', 'solver 1.1', 'solver 1.3', 'solver 2.1'].map((place) => states[place]),
      ['present', 'present', 'present', 'pruned'],
    );
    const report = await pruneRun(pool, request(dataDir, { keep: { kind: 'last' } }));
    assert.deepEqual(report.pruned, []);
    assert.ok(report.shared >= 5);
    assert.ok((await verifyCheckpoints(pool, { dataDir, ids: [], runId: 'twin' })).ok);
  });
});
