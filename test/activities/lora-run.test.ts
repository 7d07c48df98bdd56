import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import type { RunInput } from '../../activities/contract.ts';
import { createLocalEngine } from '../../activities/engine/index.ts';
import { exportRun } from '../../activities/export/export-run.ts';
import { listCheckpoints } from '../../activities/retention/list.ts';
import { pruneRun } from '../../activities/retention/prune.ts';
import { verifyCheckpoints } from '../../activities/retention/verify.ts';
import { verifyRun } from '../../activities/verification/verify-run.ts';
import { renderList, renderVerify } from '../../infra/cli/checkpoint-text.ts';
import { inspectModel } from '../../infra/models/inspect.ts';
import { whileUnused } from '../../db/queries/checkpoints.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { createDatabase } from '../support/postgres.ts';
import { withoutChecks } from '../support/tampering.ts';

const LORA = { r: 4, loraAlpha: 8 };
const section = (name: string): object => TINY[name] as object;
const RUN: RunInput = {
  ...TINY,
  runId: 'adapted',
  iterations: 2,
  challenger: { ...section('challenger'), learningRate: 3e-3, lora: { ...LORA, targetModules: ['q_proj', 'v_proj'] } },
  solver: { ...section('solver'), learningRate: 1e-3, lora: LORA },
};
const prune = {
  runId: 'adapted',
  keep: { kind: 'last' },
  optimizerOnly: false,
  dryRun: false,
  codeVersion: 'test',
} as const;

interface Update {
  role: string;
  iteration: number;
  unit: number;
  kl: number;
  after: string;
  reference: string;
  base: string | null;
  bytes: number;
  optimizerStep: number;
}

async function updatesOf(pool: pg.Pool): Promise<Update[]> {
  const result = await pool.query<Update>(
    `select role, iteration, unit, kl, checkpoint_after as after, reference_checkpoint as reference,
            c.base_checkpoint_id as base, c.bytes::int as bytes, c.optimizer_step as "optimizerStep"
     from r_zero.policy_updates u join r_zero.checkpoints c on c.checkpoint_id = u.checkpoint_after
     order by iteration, role, unit`,
  );
  return result.rows;
}

describe('a run that trains adapters', () => {
  let pool: pg.Pool;
  let runner: ActivityRunner;
  let base: string;
  let updates: Update[];
  before(async () => {
    ({ pool } = await createDatabase());
    runner = new ActivityRunner(pool);
    await runner.open(RUN);
    for (const iteration of [0, 1, 2]) await runner.iterate('adapted', iteration);
    const stored = await pool.query<{ base: string; config: { solver: { lora: object } } }>(
      'select base_checkpoint_id as base, config from r_zero.runs',
    );
    base = stored.rows[0]!.base;
    assert.deepEqual(stored.rows[0]!.config.solver.lora, { ...LORA, targetModules: 'all-linear' });
    updates = await updatesOf(pool);
    assert.equal(updates.length, 10);
  });

  test('writes checkpoints of adapters alone, which name its base model', async () => {
    const whole = await pool.query<{ bytes: number }>(
      'select bytes::int as bytes from r_zero.checkpoints where base_checkpoint_id is null',
    );
    assert.equal(whole.rows.length, 1);
    for (const { role, unit, after, bytes, base: found, optimizerStep } of updates) {
      assert.equal(found, base);
      // Each phase begins with fresh moments, and goes on with them.
      assert.equal(optimizerStep, unit + 1);
      assert.ok(bytes < whole.rows[0]!.bytes / 2, `${bytes} bytes`);
      const { adapters } = await inspectModel(join(runner.deps.dataDir, 'checkpoints', after));
      const modules = role === 'solver' ? 7 : 2;
      assert.deepEqual([adapters?.base, adapters?.r, adapters?.targetModules.length], [base, 4, modules]);
    }
  });

  test('measures the divergence from where the phase started: the base first, then the adapters of the phase before', () => {
    for (const { role, iteration, unit, kl, reference } of updates) {
      const start = updates.filter((update) => update.role === role && update.iteration < iteration).at(-1)?.after;
      assert.equal(reference, start ?? base);
      // The first update of a phase is at its reference.
      if (unit === 0) assert.ok(Math.abs(kl) < 1e-6, `${role} ${iteration}: ${kl}`);
      else assert.ok(kl > 1e-7, `${role} ${iteration}.${unit}: ${kl}`);
    }
  });

  test('ends the same when every unit has a new process, and whatever may be pruned is pruned in between', async () => {
    const { pool: other } = await createDatabase();
    const first = new ActivityRunner(other);
    const { dataDir } = first.deps;
    await first.open(RUN);
    for (const iteration of [0, 1, 2]) {
      const { phases } = await first.begin('adapted', iteration);
      for (const { phase, units } of phases) {
        for (let unit = 0; unit < units; unit++) {
          // Nothing in memory: all comes from the files.
          const next = new ActivityRunner(other, { dataDir, engine: createLocalEngine({ cacheBytes: 0 }) });
          await next.unit(phase, 'adapted', iteration, unit);
          await pruneRun(other, { ...prune, dataDir });
        }
      }
    }
    assert.deepEqual(await fingerprint(other, 'adapted'), await fingerprint(pool, 'adapted'));
    const report = await verifyCheckpoints(other, { dataDir, ids: [] });
    assert.ok(report.ok, renderVerify(report, dataDir));
    const states = new Map((await listCheckpoints(other, { dataDir })).map((each) => [each.checkpointId, each.state]));
    assert.equal(states.get(base), 'present');
    assert.equal([...states.values()].filter((state) => state === 'pruned').length, 8);
  });

  test('lists its checkpoints as adapters, and verifies them with what they lie on', async () => {
    const { dataDir } = runner.deps;
    const text = renderList(await listCheckpoints(pool, { dataDir }), dataDir);
    assert.match(text, new RegExp(`adapters on ${base.slice(0, 12)}`));
    const { after } = updates.at(-1)!;
    const weights = join(dataDir, 'checkpoints', base, 'model.safetensors');
    const whole = await readFile(weights);
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 1]! ^= 1;
    await writeFile(weights, damaged);
    const report = await verifyCheckpoints(pool, { dataDir, ids: [after], runId: 'adapted' });
    assert.deepEqual([report.ok, report.checkpoints[0]?.status], [false, 'corrupt']);
    assert.match(
      renderVerify(report, dataDir),
      new RegExp(`${after.slice(0, 12)} lies on ${base.slice(0, 12)}, which is corrupt`),
    );
    await writeFile(weights, whole);
    assert.ok((await verifyCheckpoints(pool, { dataDir, ids: [] })).ok);
  });

  test('is found as it was written by an audit that generates samples of its adapters again', async () => {
    const { dataDir, codeVersion } = runner.deps;
    const audit = () =>
      verifyRun(pool, {
        runId: 'adapted',
        dataDir,
        codeVersion,
        replay: { deps: runner.deps, samples: 60, seed: 1 },
      });
    const report = await audit();
    assert.deepEqual(report.mismatches, []);
    assert.deepEqual(report.replay?.skipped, []);
    assert.equal(report.checkpoints.total, 1 + updates.length);
    assert.ok(report.replay.batches > 5 && report.replay.rows > 60, JSON.stringify(report.replay));
    // A byte of adapters that samples were made with.
    const { after } = updates.find(({ role }) => role === 'challenger')!;
    const file = join(dataDir, 'checkpoints', after, 'adapter_model.safetensors');
    const whole = await readFile(file);
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 1]! ^= 1;
    await writeFile(file, damaged);
    try {
      const { mismatches } = await audit();
      assert.deepEqual(
        mismatches.map(({ table, row, column }) => [table, row['checkpoint_id'], column]),
        [['checkpoints', after, 'adapter_model.safetensors']],
      );
    } finally {
      await writeFile(file, whole);
    }
  });

  test('is exported with its adapters and what they lie on', async () => {
    const output = join(temporaryFolder(), 'export');
    const { relations } = await exportRun(pool, {
      runId: 'adapted',
      what: 'everything',
      format: 'jsonl',
      output,
      codeVersion: 'test',
    });
    const read = async (name: string): Promise<Record<string, unknown>[]> =>
      (await readFile(join(output, name, '00000.jsonl'), 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const checkpoints = new Map((await read('checkpoints')).map((row) => [row['checkpoint_id'], row]));
    assert.equal(relations.find(({ name }) => name === 'checkpoints')?.rows, checkpoints.size);
    assert.equal(checkpoints.get(base)?.['base_checkpoint_id'], null);
    const trained = await read('policy_updates');
    assert.equal(trained.length, updates.length);
    for (const { checkpoint_after: after } of trained)
      assert.equal(checkpoints.get(after)?.['base_checkpoint_id'], base);
  });

  test('tells when a row and a manifest do not agree on what adapters lie on', async () => {
    const { dataDir } = runner.deps;
    const { after } = updates[0]!;
    const setBase = (id: string | null) =>
      withoutChecks(pool, (client) =>
        client.query('update r_zero.checkpoints set base_checkpoint_id = $2 where checkpoint_id = $1', [after, id]),
      );
    await setBase(null);
    const report = await verifyCheckpoints(pool, { dataDir, ids: [after] });
    assert.deepEqual(report.checkpoints[0]?.problems, [
      { file: 'manifest.json', problem: 'manifest', expected: 'no base', actual: `base ${base}` },
    ]);
    await setBase(base);
  });
});

test('a checkpoint that adapters lie on stays, whatever the policy', async () => {
  const { pool } = await createDatabase();
  const runner = new ActivityRunner(pool);
  const { dataDir } = runner.deps;
  await runner.open({ ...TINY, runId: 'adapted', iterations: 2 });
  for (const iteration of [0, 1, 2]) await runner.iterate('adapted', iteration);
  const [first, second] = (await updatesOf(pool)).filter(({ iteration }) => iteration === 1);
  await pool.query(
    `insert into r_zero.checkpoints (checkpoint_id, bytes, optimizer_step, location, files, base_checkpoint_id)
     values ($1, 1, 1, 'elsewhere', '[]', $2)`,
    ['e'.repeat(64), first!.after],
  );
  await pruneRun(pool, { ...prune, dataDir });
  const listed = await listCheckpoints(pool, { dataDir, runId: 'adapted' });
  const stateOf = (id: string): string | undefined => listed.find(({ checkpointId }) => checkpointId === id)?.state;
  assert.deepEqual([stateOf(first!.after), stateOf(second!.after)], ['present', 'pruned']);
  // Adapters that came to lie on it after the selection.
  const refuse = () => Promise.reject(new Error('the files are being deleted'));
  assert.equal(await whileUnused(pool, 'adapted', first!.after, refuse), false);
});
