/**
 * The command of `npm start` end to end, in a data directory of its own: to its end, again, beside another, interrupted
 * and killed. Whatever happened on the way, the run ends with the numbers and the rows of one that nobody disturbed.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { AuditReport } from '../../activities/verification/verify-run.ts';
import type { RunInput } from '../../activities/contract.ts';
import { withDatabase } from '../../infra/cli/database-access.ts';
import type { DemoResult } from '../../infra/cli/summary.ts';
import { destroyStack } from '../../infra/dev-stack/index.ts';
import { verifyCheckpoints } from '../../activities/retention/verify.ts';
import { temporaryFolder } from '../support/activities.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { RunningCommand, run } from './support/command.ts';
import { findBroken } from './support/integrity.ts';

/** Long enough in its Solver training to be hit there. */
const INPUT: RunInput = {
  iterations: 1,
  batchSize: 64,
  microBatch: 32,
  challenger: { steps: 2, rollouts: 16, groupSize: 8, votes: 4 },
  labelling: { questions: 48, shardSize: 24, votes: 4 },
  gate: { minimumQuestions: 2 },
  solver: { steps: 24, questions: 8, groupSize: 4 },
  evaluation: { questions: 16, samples: 2 },
};

const dataDir = join(temporaryFolder(), 'data');
const demo = (runId: string) => [
  'demo',
  '--json',
  `--data-dir=${dataDir}`,
  `--run-id=${runId}`,
  `--input=${JSON.stringify(INPUT)}`,
];
const inMidTraining = /Solver training: 24 steps/;

/** The one line of standard output, without what differs from run to run. */
function numbersOf({ stdout }: { stdout: string }): Omit<DemoResult, 'runId' | 'seconds'> {
  const { runId: _runId, seconds: _seconds, ...numbers } = JSON.parse(stdout) as DemoResult;
  return numbers;
}

/** All rows of the data directory at rest, Postgres started for the look. */
function look<T>(read: (pool: Parameters<typeof fingerprint>[0]) => Promise<T>): Promise<T> {
  return withDatabase({ dataDir, onEvent: () => undefined, env: {} }, ({ pool }) => read(pool));
}

describe('r-zero demo', { timeout: 240_000 }, () => {
  after(() => destroyStack(dataDir));
  let undisturbed: ReturnType<typeof numbersOf>;

  test('finds wrong usage and wrong input before it fetches or makes anything', async () => {
    // Set-up would stop at this value at once.
    const env = { R_ZERO_TENSORFLOW: 'nonsense' };
    const slip = await run(['demo', '--sead', '1', '--data-dir', dataDir], env);
    assert.equal(slip.code, 2, slip.stderr);
    assert.match(slip.stderr, /Did you mean --seed\?/);
    const input = await run(['demo', '--input', '{"solver": {"steps": -1}}', '--data-dir', dataDir], env);
    assert.equal(input.code, 1);
    assert.match(input.stderr, /\[RunInputInvalid\].*solver\.steps[^]*field: solver\.steps[^]*fix: /);
    assert.equal(existsSync(dataDir), false);
  });

  test('ends with exit code 0 and one JSON object on standard output', async () => {
    const outcome = await run(demo('calm'));
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.equal(outcome.stdout.trimEnd().split('\n').length, 1);
    const result = JSON.parse(outcome.stdout) as DemoResult;
    for (const key of ['baseGreedy', 'finalGreedy', 'baseSampled', 'finalSampled'] as const) {
      const share = result[key];
      assert.ok(share !== null && share >= 0 && share <= 1, key);
    }
    assert.equal(result.runId, 'calm');
    assert.deepEqual([result.labelAccuracy.length, result.kept.length], [1, 1]);
    assert.ok((result.kept[0] ?? 0) >= 2);
    assert.ok(result.seconds > 0 && result.seconds <= outcome.seconds);
    assert.match(outcome.stderr, /Solver on held-out questions[^]*Working time by phase/);
    // Neither a colour nor a cursor movement reaches a log.
    // eslint-disable-next-line no-control-regex -- escapes are what this is about
    assert.doesNotMatch(outcome.stderr, /\u001b/);
    undisturbed = numbersOf(outcome);
  });

  test('again: does nothing, says so, and prints the same result soon', async () => {
    const attempts = () => look(async (pool) => (await pool.query('select * from r_zero.attempts')).rowCount);
    const before = await attempts();
    const outcome = await run(demo('calm'));
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.match(outcome.stderr, /Run calm is complete: .*nothing left to do/);
    assert.deepEqual(numbersOf(outcome), undisturbed);
    assert.ok(outcome.seconds < 20, `${outcome.seconds} s`);
    assert.equal(await attempts(), before);
  });

  test('Ctrl-C in mid-run ends it with 130; meanwhile a second one is refused; the next start goes on', async () => {
    const first = new RunningCommand(demo('stopped'));
    await first.says(/Run stopped is started/);
    const second = run(demo('beside'));
    await first.says(inMidTraining);
    first.kill('SIGINT');
    const refused = await second;
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /\[StackBusy\] Another r-zero \(process \d+[^]*fix: /);
    assert.equal(refused.stdout, '');
    const stopped = await first.outcome;
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(
      stopped.stderr,
      /Everything finished is stored; continue with: npx r-zero demo --input .* --run-id stopped/,
    );
    assert.equal(stopped.stdout, '');

    const next = await run(demo('stopped'));
    assert.equal(next.code, 0, next.stderr);
    assert.match(next.stderr, /Stored already: .* of 24 steps of Solver training/);
    assert.deepEqual(numbersOf(next), undisturbed);
  });

  test('after kill -9 in mid-run the next start ends with the same numbers', async () => {
    const killed = new RunningCommand(demo('killed'));
    await killed.says(inMidTraining);
    killed.kill('SIGKILL');
    assert.equal((await killed.outcome).code, null);
    const next = await run(demo('killed'));
    assert.equal(next.code, 0, next.stderr);
    assert.match(next.stderr, /Stored already: /);
    assert.deepEqual(numbersOf(next), undisturbed);
  });

  test('leaves a run in which an audit finds nothing, samples generated again included', async () => {
    const options = ['--run', 'calm', '--samples', '24', '--json', `--data-dir=${dataDir}`];
    const outcome = await run(['audit', 'verify', ...options]);
    assert.equal(outcome.code, 0, outcome.stderr + outcome.stdout);
    const { ok, mismatches, notes, replay } = JSON.parse(outcome.stdout) as AuditReport;
    assert.deepEqual([ok, mismatches, notes], [true, [], []], JSON.stringify(replay));
    // What the finished iteration has pruned of its checkpoints cannot be sampled from.
    assert.ok(
      replay && replay.skipped.every(({ reason }) => reason === 'its checkpoint is pruned, missing or damaged'),
    );
    assert.ok(replay.rows > 16);
  });

  test('leaves rows that fit together, equal in every run, and every checkpoint whole', async () => {
    await look(async (pool) => {
      assert.deepEqual(await findBroken(pool), []);
      const calm = await fingerprint(pool, 'calm');
      for (const runId of ['stopped', 'killed']) assert.deepEqual(await fingerprint(pool, runId), calm, runId);
      // The base model and one a step; equal runs share them, and what one has pruned another has written again.
      const { checkpoints, ok, unknown } = await verifyCheckpoints(pool, { dataDir, ids: [] });
      assert.equal(checkpoints.length, 1 + 2 + 24);
      assert.deepEqual([ok, unknown], [true, []]);
    });
  });
});
