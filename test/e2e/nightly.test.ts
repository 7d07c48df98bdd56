/**
 * Nights by the clock of a real schedule, a night being seconds long: each stops at its budget, the next goes on, and in the end
 * the run has the rows of one that was never stopped.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { RunInput } from '../../activities/contract.ts';
import { startRun } from '../../infra/client.ts';
import { getSchedule } from '../../infra/schedules.ts';
import type { NightResult } from '../../workflows/messages.ts';
import { temporaryFolder } from '../support/activities.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { withSimulatedStack } from '../support/simulation.ts';
import type { SimulatedStack } from '../support/simulation.ts';
import { installQuietRuntime, until } from '../support/temporal.ts';
import { run } from './support/command.ts';

/** 16 questions a step and a shard. */
const INPUT: RunInput = {
  iterations: 1,
  challenger: { steps: 2, rollouts: 16, groupSize: 8, votes: 4, maxTokens: 500 },
  labelling: { questions: 16, shardSize: 16, votes: 4 },
  gate: { minimumQuestions: 1 },
  solver: { steps: 2, questions: 8, groupSize: 4, maxTokens: 500 },
  evaluation: { questions: 8, samples: 2 },
};
const SCHEDULE = 'r-zero-nightly';

interface Night {
  tokens: number;
  questions: number;
  end_status: string;
  end_reason: string;
  scheduled: boolean;
}

installQuietRuntime();

describe('r-zero schedule', { timeout: 180_000 }, () => {
  const dataDir = join(temporaryFolder(), 'data');

  async function schedule(...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return await run(['schedule', ...words, `--data-dir=${dataDir}`]);
  }

  /** Results of the first nights, once there are that many and all have ended. */
  async function ended({ client }: SimulatedStack, count: number): Promise<NightResult[]> {
    const { recent } = await until(
      () => getSchedule(client, SCHEDULE),
      (details) => details.recent.length >= count,
    );
    const results = recent.map(({ workflowId }) => client.workflow.getHandle(workflowId).result());
    return (await Promise.all(results)) as NightResult[];
  }

  test('nights that stop at their budget end with the rows of an undisturbed run', async () => {
    await withSimulatedStack({ dataDir, questions: 200, answerTokens: 40 }, async (stack) => {
      const settings: RunInput = { ...INPUT, model: stack.modelDir };
      await (await startRun(stack.client, { ...settings, runId: 'undisturbed' })).result();

      const unknown = await schedule('create', '--run=nobody', '--at=02:00');
      assert.equal(unknown.code, 1);
      assert.match(unknown.stderr, /\[RunNotFound\] There is no run "nobody"/);
      const impossible = await schedule('create', '--run=undisturbed', '--at=02:00', '--budget=minutes=0');
      assert.match(impossible.stderr, /\[RunInputInvalid\].*"budget\.minutes"/);

      const input = JSON.stringify({ ...settings, iterations: undefined });
      const limits = ['--nights=2', '--budget=questions=16'];
      const made = await schedule('create', '--run=nightly', '--every=5s', ...limits, `--input=${input}`);
      assert.equal(made.code, 0, made.stderr);
      assert.match(made.stdout, /Schedule r-zero-nightly is made: run nightly, every 5 seconds\./);
      // The iteration's evaluation of the base model and its first step; then its second.
      assert.deepEqual(
        (await ended(stack, 2)).map(({ status, message }) => [status, message]),
        [1, 2].map(() => ['waiting', 'The budget is spent: 16 of 16 questions. The next start goes on from here.']),
      );
      const row = await stack.pool.query(`select status, status_reason from r_zero.runs where run_id = 'nightly'`);
      assert.equal((row.rows[0] as { status: string }).status, 'waiting');
      const shown = await schedule('show');
      assert.match(shown.stdout, /Run nightly: 1 iteration a night, at most questions 16/);
      assert.match(shown.stdout, /0 nights left/);

      for (const [count, status] of [
        [3, 'waiting'],
        [4, 'completed'],
      ] as const) {
        assert.equal((await schedule('trigger')).code, 0);
        assert.equal((await ended(stack, count)).at(-1)?.status, status);
      }
      const again = await schedule('trigger', '--json');
      assert.deepEqual(JSON.parse(again.stdout), { scheduleId: SCHEDULE, order: 'trigger' });
      await ended(stack, 5);

      const { rows: nights } = await stack.pool.query<Night>(
        `select questions::int, tokens::int, end_status, end_reason, budget is not null as scheduled
         from r_zero.start_spending where run_id = 'nightly' order by start_id`,
      );
      assert.deepEqual(
        nights.slice(0, 4).map(({ questions, end_status }) => [questions, end_status]),
        [
          [16, 'waiting'],
          [16, 'waiting'],
          [16, 'waiting'],
          [0, 'completed'],
        ],
      );
      assert.ok(nights.every(({ tokens, scheduled }) => tokens > 0 && scheduled));

      const { fingerprints } = await compare(stack);
      assert.deepEqual(fingerprints[0], fingerprints[1]);
      assert.equal((await schedule('delete', SCHEDULE)).code, 0);
      assert.match((await schedule('list')).stdout, /There are no schedules/);
    });
  });

  /** The night after the last began a second iteration; the first is what both have. */
  async function compare({ pool }: SimulatedStack): Promise<{ fingerprints: Record<string, unknown[]>[] }> {
    const fingerprints = await Promise.all(['undisturbed', 'nightly'].map((runId) => fingerprint(pool, runId)));
    const isFirst = (row: unknown): boolean => (row as { iteration: number }).iteration <= 1;
    return {
      fingerprints: fingerprints.map((tables) =>
        Object.fromEntries(Object.entries(tables).map(([table, rows]) => [table, rows.filter(isFirst)])),
      ),
    };
  }
});
