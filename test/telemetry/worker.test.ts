/** What a real worker's process tells of a real run, its engine's process included: metrics and logs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TINY } from '../support/activities.ts';
import { Cluster } from '../support/cluster.ts';
import { freePort, scrape, total } from '../support/scrape.ts';
import type { Sample } from '../support/scrape.ts';
import { until } from '../support/temporal.ts';
import { RunningCommand } from '../e2e/support/command.ts';

const RUN = 'observed';

describe('a worker that is watched', { timeout: 180_000 }, () => {
  const cluster = new Cluster();
  const { dataDir } = cluster;
  let address: string;
  let samples: Sample[];

  before(async () => {
    address = `127.0.0.1:${await freePort()}`;
    await cluster.start({ R_ZERO_METRICS_ADDRESS: address, R_ZERO_LOG_FORMAT: 'json' });
    await cluster.startRun({ ...TINY, runId: RUN, budget: { tokens: 10 ** 9 } });
    await until(
      () => cluster.runStatus(RUN),
      (status) => status === 'completed',
      90,
    );
    samples = await scrape(address);
  });
  after(() => cluster.stop());

  async function row<T extends object>(statement: string): Promise<T> {
    const { rows } = await cluster.pool.query<T>(statement, [RUN]);
    return rows[0]!;
  }

  describe('serves metrics that are the numbers of the rows:', () => {
    test('tokens sampled, units, training steps', async () => {
      const { tokens, units } = await row<{ tokens: number; units: number }>(
        'select sum(tokens)::int as tokens, count(*)::int as units from r_zero.units where run_id = $1',
      );
      assert.ok(tokens > 1000);
      assert.equal(total(samples, 'r_zero_sampled_tokens_total', { run: RUN }), tokens);
      assert.equal(total(samples, 'r_zero_unit_seconds_count', { run: RUN }), units);
      assert.equal(total(samples, 'r_zero_queue_seconds_count', { run: RUN }), units);
      assert.equal(total(samples, 'r_zero_training_steps_total', { run: RUN, role: 'challenger' }), 2);
      assert.equal(total(samples, 'r_zero_training_steps_total', { run: RUN, role: 'solver' }), 3);
    });

    test('seconds at work, by phase', async () => {
      const { rows } = await cluster.pool.query<{ phase: string; seconds: number }>(
        'select phase, sum(seconds)::float8 as seconds from r_zero.units where run_id = $1 group by phase',
        [RUN],
      );
      assert.equal(rows.length, 7);
      for (const { phase, seconds } of rows) {
        const measured = total(samples, 'r_zero_unit_seconds_sum', { run: RUN, phase });
        assert.ok(Math.abs(measured - seconds) < 1e-3, `${phase}: ${measured} for ${seconds}`);
      }
    });

    test('questions by decision of the gate', async () => {
      const { rows } = await cluster.pool.query<{ reason: string; n: number }>(
        'select reason, count(*)::int as n from r_zero.gate_decisions where run_id = $1 group by reason',
        [RUN],
      );
      assert.ok(rows.length > 1);
      for (const { reason, n } of rows)
        assert.equal(total(samples, 'r_zero_gate_decisions_total', { run: RUN, decision: reason }), n, reason);
    });

    test('padding, of decoding and of training', async () => {
      const { decoded, idle } = await row<{ decoded: number; idle: number }>(
        `select sum((metrics->>'decodedRows')::int)::int as decoded, sum((metrics->>'idleRows')::int)::int as idle
         from r_zero.units where run_id = $1`,
      );
      assert.equal(total(samples, 'r_zero_decoded_rows_total', { run: RUN }), decoded);
      assert.equal(total(samples, 'r_zero_idle_rows_total', { run: RUN }), idle);
      const trained = await row<{ tokens: number; padding: number }>(
        'select sum(tokens)::int as tokens, sum(padding_tokens)::int as padding from r_zero.policy_updates where run_id = $1',
      );
      assert.equal(total(samples, 'r_zero_trained_tokens_total', { run: RUN }), trained.tokens);
      assert.equal(total(samples, 'r_zero_training_padding_tokens_total', { run: RUN }), trained.padding);
    });

    test('rewards, solve rate, accuracy and budget, as they were last', async () => {
      const { reward, left } = await row<{ reward: number; left: number }>(
        `select (select (metrics->>'meanReward')::float8 from r_zero.units
                 where run_id = $1 and phase = 'solver_training' order by unit desc limit 1) as reward,
                (select budget_tokens - tokens from (select 1000000000::int as budget_tokens, sum(tokens)::int as tokens
                 from r_zero.units where run_id = $1) as spent) as left`,
      );
      assert.equal(total(samples, 'r_zero_mean_reward', { run: RUN, role: 'solver' }), reward);
      assert.equal(total(samples, 'r_zero_budget_left', { run: RUN, limit: 'tokens' }), left);
      const rate = total(samples, 'r_zero_mean_solve_rate', { run: RUN, phase: 'labelling' });
      assert.ok(rate > 0 && rate <= 1);
      assert.ok(total(samples, 'r_zero_greedy_accuracy', { run: RUN }) > 0);
      assert.ok(total(samples, 'r_zero_sampled_tokens_per_second', { run: RUN, phase: 'labelling' }) > 1);
      assert.equal(total(samples, 'r_zero_iteration', { run: RUN }), 1);
    });

    test('of the workflow, counted once', () => {
      assert.equal(total(samples, 'r_zero_run_status_changes_total', { run: RUN, status: 'running' }), 1);
      assert.equal(total(samples, 'r_zero_run_status_changes_total', { run: RUN, status: 'completed' }), 1);
      assert.equal(total(samples, 'r_zero_iterations_finished_total', { run: RUN }), 2);
    });

    test('and Temporal’s own', () => {
      assert.ok(samples.some(({ name }) => name === 'temporal_worker_task_slots_available'));
    });
  });

  test('labels are of few values: no series for a unit, an iteration or a text', () => {
    const ours = samples.filter(({ name }) => name.startsWith('r_zero_'));
    const labels = new Set(ours.flatMap((sample) => Object.keys(sample.labels)));
    const known = ['run', 'phase', 'role', 'decision', 'limit', 'status', 'code', 'le'];
    const added = ['activityType', 'namespace', 'taskQueue', 'workflowType', 'service_name'];
    assert.deepEqual(
      [...labels].filter((label) => !known.includes(label) && !added.includes(label)),
      [],
    );
  });

  test('logs one JSON object a line, with the place in the run', () => {
    const lines = readFileSync(join(dataDir, 'logs', 'worker.log'), 'utf8')
      .trim()
      .split('\n');
    const entries = lines
      .filter((line) => !line.startsWith('r-zero worker is ready'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const stored = entries.filter(({ message }) => message === 'stored');
    assert.equal(stored.length, total(samples, 'r_zero_unit_seconds_count', { run: RUN }));
    const labelled = stored.find(({ phase, unit }) => phase === 'labelling' && unit === 1);
    const { run, iteration, level, meanPHat } = labelled ?? {};
    assert.deepEqual({ run, iteration, level }, { run: RUN, iteration: 1, level: 'INFO' });
    assert.equal(typeof meanPHat, 'number');
  });

  test('`r-zero worker --metrics` serves them as well, and a taken address has a code', async () => {
    const other = `127.0.0.1:${await freePort()}`;
    const options = ['--data-dir', dataDir, '--log-level', 'warn'];
    const command = new RunningCommand(['worker', '--metrics', other, ...options], { R_ZERO_TASK_QUEUE: 'other' });
    try {
      await command.says(/ready on other and other-gpu/);
      assert.ok((await scrape(other)).length > 0);
      const second = new RunningCommand(['worker', '--metrics', other, ...options], { R_ZERO_TASK_QUEUE: 'third' });
      const { code, stderr } = await second.outcome;
      assert.equal(code, 1);
      assert.match(stderr, /^PortInUse: .*Choose another address/m);
    } finally {
      command.kill('SIGTERM');
      await command.outcome;
    }
  });
});
