import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import { pruneRun } from '../../activities/retention/prune.ts';
import { verifyRun } from '../../activities/verification/verify-run.ts';
import type { AuditReport, AuditRequest } from '../../activities/verification/verify-run.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { run } from '../e2e/support/command.ts';
import { createDatabase } from '../support/postgres.ts';
import { tampered, withoutChecks } from '../support/tampering.ts';
import type { Tampering } from '../support/tampering.ts';

const RUN = { ...TINY, runId: 'tiny', iterations: 2 };

const short = ({ mismatches }: AuditReport): string[] =>
  mismatches.map(({ table, row, problem, column }) =>
    [table, JSON.stringify(row), problem, column].filter((word) => word !== undefined).join(' '),
  );

describe('auditing a stored run', () => {
  let pool: pg.Pool;
  let url: string;
  let runner: ActivityRunner;
  const audit = (request: Partial<AuditRequest> = {}): Promise<AuditReport> =>
    verifyRun(pool, { runId: 'tiny', dataDir: runner.deps.dataDir, codeVersion: '0.0.0-test', ...request });
  const replay = (samples: number, seed = 1) => ({ replay: { deps: runner.deps, samples, seed } });

  before(async () => {
    ({ pool, url } = await createDatabase());
    runner = new ActivityRunner(pool);
    await runner.open(RUN);
    for (const iteration of [0, 1, 2]) await runner.iterate('tiny', iteration);
    await runner.checkAlarms('evaluation', 'tiny', 2);
    await pool.query(`update r_zero.runs set status = 'completed'`);
  });

  test('finds nothing in a run as it was written, having looked at everything', async () => {
    const report = await audit(replay(40));
    assert.deepEqual(short(report), []);
    assert.equal(report.ok, true);
    assert.equal(report.unverifiable, 0);
    assert.deepEqual(report.notes, []);
    const examined = Object.fromEntries(report.checks.map(({ check, examined }) => [check, examined]));
    const count = async (table: string) =>
      Number((await pool.query<{ n: string }>(`select count(*) as n from r_zero.${table}`)).rows[0]?.n);
    const samples = (await count('questions')) + (await count('answers')) + (await count('rollouts'));
    assert.equal(examined['seeds'], samples + (await count('evaluation_items')));
    assert.equal(examined['texts'], samples);
    for (const check of [
      'run',
      'plan',
      'references',
      'checkpoints',
      'votes',
      'decisions',
      'rewards',
      'evaluations',
      'audits',
    ])
      assert.ok(examined[check]! > 0, check);
    assert.deepEqual(report.replay?.skipped, []);
    assert.ok(report.replay.batches > 5 && report.replay.rows > 100, JSON.stringify(report.replay));
  });

  test('which samples are generated again, the seed decides', async () => {
    const drawn = async (seed: number) => (await audit(replay(2, seed))).replay;
    const first = await drawn(7);
    assert.deepEqual(await drawn(7), first);
    const others = await Promise.all([8, 9, 10].map(drawn));
    assert.ok(others.some((other) => other?.rows !== first?.rows));
  });

  const question = ['question_id'];
  const version = ['question_id', 'version'];
  const place = ['run_id', 'iteration', 'phase', 'unit'];
  const trained = { table: 'questions', key: question, where: `phase = 'challenger_training'` };
  const valid = { table: 'questions', key: question, where: `status = 'valid'` };
  const answer = { table: 'answers', key: ['answer_id'] };
  const vote = { table: 'votes', key: version };
  const decision = { table: 'gate_decisions', key: version };
  const rollout = { table: 'rollouts', key: ['rollout_id'] };
  const reward = { table: 'rewards', key: ['reward_id'] };
  const update = { table: 'policy_updates', key: place };
  const evaluation = { table: 'evaluations', key: ['evaluation_id'] };
  const item = { table: 'evaluation_items', key: ['evaluation_id', 'item', 'sample'] };
  const oracle = { table: 'audits', key: ['question_id', 'oracle', 'oracle_version'] };
  const checkpoint = { table: 'checkpoints', key: ['checkpoint_id'] };
  const otherCheckpoint = `(select c.checkpoint_id from r_zero.checkpoints c where c.checkpoint_id <> t.checkpoint_id order by 1 limit 1)`;

  /** One column of one row each; the finding is that row and that column. */
  const alterations: (Tampering & { column: string })[] = [
    { ...valid, column: 'completion', change: `completion = 'x' || completion` },
    { ...valid, column: 'completion', change: `tokens[1] = tokens[1] + 1` },
    { ...valid, column: 'logprobs', change: `logprobs = logprobs[2:]` },
    { ...valid, column: 'seed', change: `seed = reverse(seed)` },
    { ...valid, column: 'question', change: `question = question || '0'` },
    { ...valid, column: 'checkpoint_id', change: `checkpoint_id = ${otherCheckpoint}` },
    { ...trained, column: 'group_index', change: `group_index = group_index + 1` },
    { ...valid, column: 'challenger_answer', change: `challenger_answer = 'another'` },
    { ...answer, column: 'completion', change: `completion = 'x' || completion` },
    { ...answer, column: 'completion', change: `completion = left(completion, -1)` },
    { ...answer, column: 'completion', change: `tokens = tokens[2:]` },
    { ...answer, column: 'seed', change: `seed = reverse(seed)` },
    { ...answer, column: 'extracted', change: `extracted = '4711'` },
    { ...answer, column: 'unit', where: `phase = 'labelling'`, change: `unit = 1 - unit` },
    { ...answer, column: 'checkpoint_id', change: `checkpoint_id = ${otherCheckpoint}` },
    { ...vote, column: 'label', where: 'label is not null', change: `label = label || '0'` },
    { ...vote, column: 'majority', where: 'majority > 1', change: `majority = majority - 1` },
    { ...vote, column: 'total', change: `total = total + 1` },
    { ...vote, column: 'unparsable', change: `unparsable = unparsable + 1` },
    { ...vote, column: 'entropy', change: `entropy = entropy + 0.001` },
    { ...vote, column: 'tie', change: `tie = not tie` },
    { ...vote, column: 'preset', change: `preset = 'paper'` },
    { ...vote, column: 'classes', change: `classes = '[]'` },
    { ...decision, column: 'reason', where: 'not kept', change: `reason = 'tie'` },
    { ...decision, column: 'inputs', change: `inputs = inputs || '{"votes": 99}'` },
    { ...decision, column: 'dataset_index', where: 'kept', change: `dataset_index = 9999` },
    { ...decision, column: 'policy_version', change: `policy_version = 99` },
    { ...rollout, column: 'completion', change: `completion = 'x' || completion` },
    { ...rollout, column: 'seed', change: `seed = reverse(seed)` },
    { ...rollout, column: 'extracted', change: `extracted = '4711'` },
    { ...rollout, column: 'label', change: `label = label || '0'` },
    { ...rollout, column: 'question_id', change: `question_id = question_id - 1` },
    { ...reward, column: 'total', change: `total = total + 0.001` },
    { ...reward, column: 'computed', change: `computed = computed + 0.001` },
    { ...reward, column: 'advantage', change: `advantage = -advantage - 1` },
    { ...reward, column: 'repetition', where: `role = 'challenger'`, change: `repetition = repetition + 0.5` },
    { ...reward, column: 'accuracy', where: `role = 'solver'`, change: `accuracy = 1 - accuracy` },
    { ...update, column: 'tokens', change: `tokens = tokens + 1` },
    { ...update, column: 'reference_checkpoint', where: 'unit > 0', change: `reference_checkpoint = checkpoint_after` },
    { ...evaluation, column: 'correct', change: `correct = correct + 1` },
    { ...evaluation, column: 'majority_correct', change: `majority_correct = majority_correct + 1` },
    { ...item, column: 'extracted', change: `extracted = '4711'` },
    { ...item, column: 'correct', change: `correct = not correct` },
    { ...item, column: 'expected', change: `expected = expected || '0'` },
    { ...oracle, column: 'truth', change: `truth = truth || '0'` },
    { ...oracle, column: 'agrees', change: `agrees = not agrees` },
    { ...checkpoint, column: 'bytes', change: `bytes = bytes + 1` },
    { ...checkpoint, column: 'location', change: `location = 'elsewhere'` },
    { table: 'runs', key: ['run_id'], column: 'profile_hash', change: `profile_hash = reverse(profile_hash)` },
  ];

  /** Alters all of them, then looks; puts everything back. */
  async function altered(
    [first, ...others]: typeof alterations,
    expected: string[],
    used = new Set<string>(),
  ): Promise<string[][]> {
    if (!first) return [short(await audit())];
    const { table, column } = first;
    const look = async (row: Record<string, string | number>): Promise<string[][]> => {
      expected.push(`${table} ${JSON.stringify(row)} differs ${column}`);
      return altered(others, expected, used);
    };
    return tampered(pool, first, look, used);
  }

  test('tells of each altered column, with its row, and of nothing else', async () => {
    const expected: string[] = [];
    const [found] = await altered(alterations, expected);
    assert.deepEqual(found!.sort(), expected.sort());
    assert.equal((await audit()).ok, true, 'everything was put back');
  });

  test('tells of each deleted row, of what refers to it, and of nothing else', async () => {
    const one = async (tampering: Omit<Tampering, 'change'>) =>
      tampered(pool, { ...tampering, change: 'delete' }, async (row) => ({ row, found: short(await audit()) }));
    const sampleOf = await pool.query<{ question_id: number; sample: number; answer_id: number }>(
      `select answer_id::int, question_id::int, sample from r_zero.answers`,
    );
    const deleted = await one(answer);
    const gone = sampleOf.rows.find(({ answer_id }) => answer_id === deleted.row['answer_id'])!;
    assert.deepEqual(deleted.found, [
      `answers ${JSON.stringify({ question_id: gone.question_id, sample: gone.sample })} missing`,
    ]);
    for (const whole of [vote, decision]) {
      const { row, found } = await one(whole);
      assert.deepEqual(found, [`${whole.table} ${JSON.stringify({ question_id: row['question_id'] })} missing`]);
    }
    for (const whole of [item, oracle]) {
      const { row, found } = await one(whole);
      assert.deepEqual(found, [`${whole.table} ${JSON.stringify(row)} missing`]);
    }
    const { found: rewardless } = await one({ ...reward, where: `role = 'solver'` });
    assert.match(rewardless.join('; '), /^rewards \{"rollout_id":\d+\} missing$/);
    const { row, found: rolloutless } = await one(rollout);
    assert.deepEqual(
      rolloutless.map((text) => text.replace(/\{.*\}/, '{}')),
      ['rewards {} differs rollout_id', 'rollouts {} missing'],
      JSON.stringify(row),
    );
    // In the middle, at the end and at the beginning of an iteration.
    for (const unit of [1, 2, 0]) {
      const { found, row: step } = await one({ ...update, where: `role = 'solver' and unit = ${unit}` });
      assert.deepEqual(found, [`policy_updates ${JSON.stringify(step)} missing`]);
    }
    const { found: questionless } = await one({
      ...valid,
      where: `status = 'valid' and phase = 'challenger_training'`,
    });
    assert.equal(questionless.filter((text) => text.startsWith('questions ')).length, 1);
    assert.ok(questionless.some((text) => /^answers .* differs question_id$/.test(text)));
    assert.ok(
      questionless.every((text) => /question_id|^questions .* missing$/.test(text)),
      questionless.join('; '),
    );
    const { found: startless } = await one({ table: 'run_starts', key: ['start_id'] });
    assert.ok(startless.length > 0);
    assert.ok(
      startless.every((text) => /^alarms .* differs start_id$/.test(text)),
      startless.join('; '),
    );
    assert.equal((await audit()).ok, true, 'everything was put back');
  });

  test('a row, a byte of a checkpoint and an answer: exactly these three', async () => {
    const damaged = await pool.query<{ id: string }>(
      `select checkpoint_after as id from r_zero.policy_updates where role = 'solver' order by iteration, unit limit 1`,
    );
    const file = join(runner.deps.dataDir, 'checkpoints', damaged.rows[0]!.id, 'model.safetensors');
    const bytes = await readFile(file);
    const altered = Buffer.from(bytes);
    altered[altered.length - 5]! ^= 1;
    await writeFile(file, altered);
    try {
      await tampered(pool, { ...rollout, change: `extracted = '4711'` }, async (row) => {
        const { answer_id: id, ...lost } = (
          await pool.query<{ answer_id: string; question_id: number; sample: number }>(
            `select answer_id, question_id::int, sample from r_zero.answers where phase = 'labelling' order by 1 limit 1`,
          )
        ).rows[0]!;
        const found: string[] = [];
        await withoutChecks(pool, (client) =>
          client.query('create table public.lost as select * from r_zero.answers limit 0'),
        );
        await withoutChecks(pool, (client) =>
          client.query(
            `with gone as (delete from r_zero.answers where answer_id = $1 returning *) insert into public.lost select * from gone`,
            [id],
          ),
        );
        try {
          const report = await audit({ ...replay(200), onMismatch: ({ table }) => found.push(table) });
          assert.deepEqual(short(report), [
            `checkpoints {"checkpoint_id":"${damaged.rows[0]!.id}"} differs model.safetensors`,
            `answers ${JSON.stringify(lost)} missing`,
            `rollouts ${JSON.stringify(row)} differs extracted`,
          ]);
          assert.deepEqual([report.ok, report.mismatchCount, report.unverifiable], [false, 3, 1]);
          assert.deepEqual(found, ['checkpoints', 'answers', 'rollouts']);
          assert.match(JSON.stringify(report.replay?.skipped), /its checkpoint is pruned, missing or damaged/);
        } finally {
          await withoutChecks(pool, (client) =>
            client.query('insert into r_zero.answers overriding system value select * from public.lost'),
          );
        }
      });
    } finally {
      await writeFile(file, bytes);
    }
    assert.deepEqual(short(await audit()), []);
  });

  test('only the engine can tell of an answer that was altered in all of its places', async () => {
    // What another sample of the same question said, with its tokens, and the vote that would have come of it.
    const other = `select o.completion, o.tokens, o.extracted, o.finish_reason from r_zero.answers o
      where o.question_id = t.question_id and o.sample <> t.sample and o.extracted = t.extracted
        and o.completion <> t.completion limit 1`;
    const change = `(completion, tokens, extracted, finish_reason) = (${other})`;
    const where = `exists (${other})`;
    await tampered(pool, { ...answer, where, change }, async (row) => {
      assert.deepEqual(short(await audit()), []);
      // All batches there are.
      const report = await audit(replay(3000));
      assert.deepEqual(short(report), [`answers ${JSON.stringify(row)} differs tokens`]);
      assert.equal(report.mismatches[0]?.check, 'replay');
    });
    await tampered(pool, { ...rollout, change: 'logprobs[1] = logprobs[1] - 0.001' }, async (row) => {
      assert.deepEqual(short(await audit()), []);
      assert.deepEqual(short(await audit(replay(3000))), [`rollouts ${JSON.stringify(row)} differs logprobs`]);
    });
  });

  test('what another engine has computed is not generated again, and that is said', async () => {
    const elsewhere = `engine || '{"threads": 64, "device": "another"}'`;
    await pool.query(`create table public.engines as select * from r_zero.units`);
    await withoutChecks(pool, (client) => client.query(`update r_zero.units set engine = ${elsewhere}`));
    const report = await audit(replay(3));
    assert.equal(report.ok, true);
    assert.equal(report.replay?.batches, 0);
    assert.match(report.replay.skipped[0]!.reason, /another engine \(device another, here .*; threads 64, here \d+\)/);
    assert.deepEqual(report.notes, ['Nothing could be generated again here.']);
    await withoutChecks(pool, (client) =>
      client.query(
        `update r_zero.units t set engine = u.engine from public.engines u
         where (t.run_id, t.iteration, t.phase, t.unit) = (u.run_id, u.iteration, u.phase, u.unit)`,
      ),
    );
  });

  test('other presets and the control are judged by their own formulas', async () => {
    for (const [preset, control] of [
      ['official-code', 'random-reward'],
      ['paper', 'none'],
    ] as const) {
      const runId = `by-${preset}`;
      // Nothing kept, and the Solver's training skipped, is judged as well.
      const gate = preset === 'paper' ? { upper: 0, lower: 0, onTooFew: 'skip' } : { lower: 0, minimumQuestions: 1 };
      await runner.open({ ...TINY, runId, preset, control, gate });
      for (const iteration of [0, 1]) await runner.iterate(runId, iteration);
      const report = await audit({ runId, ...replay(4) });
      assert.deepEqual(short(report), []);
      const { rows } = await pool.query<{ n: number }>(
        'select count(*)::int as n from r_zero.rollouts where run_id = $1',
        [runId],
      );
      assert.equal(rows[0]!.n > 0, preset !== 'paper');
    }
  });

  test('a run at work is judged by what is finished of it', async () => {
    await runner.open({ ...TINY, runId: 'young' });
    await runner.iterate('young', 0);
    const plan = await runner.begin('young', 1);
    assert.ok(plan.phases.length > 0);
    await runner.unit('challenger_training', 'young', 1, 0);
    const report = await audit({ runId: 'young', ...replay(4) });
    assert.deepEqual(short(report), []);
    assert.ok(report.units.finished < report.units.planned);
    assert.match(report.notes[0]!, /planned units are not finished/);
    // Once it says that it is over, that is no excuse any more.
    await pool.query(`update r_zero.runs set status = 'completed' where run_id = 'young'`);
    const over = await audit({ runId: 'young' });
    assert.equal(over.mismatchCount, report.units.planned - report.units.finished);
    assert.ok(over.mismatches.every(({ table, problem }) => table === 'units' && problem === 'missing'));
  });

  test('the command prints what it finds and ends with 1, or with 0', async () => {
    const argv = ['audit', 'verify', '--run', 'tiny', '--samples', '2', '--data-dir', runner.deps.dataDir];
    const env = { DATABASE_URL: url };
    const fine = await run(argv, env);
    assert.equal(fine.code, 0, fine.stderr + fine.stdout);
    assert.match(fine.stdout, /2 samples drawn with seed 1: [12] whole requests generated again, \d+ rows held/);
    assert.match(fine.stdout, /Everything is as it was written\.\n$/);
    await tampered(pool, { ...vote, where: `label is not null`, change: `label = E'\\033[31mred'` }, async (row) => {
      const found = await run([...argv, '--no-replay'], env);
      assert.equal(found.code, 1, found.stderr);
      const where = `votes question_id=${row['question_id']} version=1`;
      assert.ok(found.stdout.startsWith(`${where}: label is "\\u001b[31mred", should be "`), found.stdout);
      assert.match(found.stdout, /No sample was generated again \(--no-replay\)\.\n1 mismatch\.\n$/);
      const json = await run([...argv, '--no-replay', '--json'], env);
      assert.equal(json.code, 1);
      const report = JSON.parse(json.stdout) as AuditReport;
      assert.deepEqual([report.ok, report.mismatchCount, report.mismatches[0]?.row], [false, 1, row]);
    });
    const nobody = await run(['audit', 'verify', '--run', 'nobody', '--data-dir', runner.deps.dataDir], env);
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /\[RunNotFound\].*\n {2}field: runId\n {2}fix: List the runs/);
  });

  test('pruned checkpoints are told of as pruned', async () => {
    const { dataDir } = runner.deps;
    const request = { dataDir, runId: 'tiny', optimizerOnly: false, dryRun: false, codeVersion: '0.0.0-test' };
    const { pruned } = await pruneRun(pool, { ...request, keep: { kind: 'last' } });
    const report = await audit(replay(40));
    assert.deepEqual(short(report), []);
    assert.equal(report.checkpoints.pruned, pruned.filter(({ what }) => what === 'weights').length);
    assert.ok(report.checkpoints.pruned > 3);
    assert.ok(report.replay!.batches > 0 && report.replay!.skipped.length > 0);
  });

  test('without the files, rows are still held against each other', async () => {
    const report = await audit({ dataDir: temporaryFolder() });
    assert.ok(report.mismatches.every(({ check, problem }) => check === 'checkpoints' && problem === 'missing'));
    assert.match(report.notes.join(' '), /Texts were not held against their tokens/);
    await assert.rejects(audit({ runId: 'nobody' }), { code: 'RunNotFound' });
  });
});
