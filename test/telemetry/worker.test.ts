/** What a real worker's process tells of a real run, its engine's process included: metrics, traces and logs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TINY } from '../support/activities.ts';
import { Cluster } from '../support/cluster.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import type { OtlpReceiver, ReceivedSpan } from '../support/otlp-receiver.ts';
import { groupingsIn, metricsIn, queries } from '../support/dashboard.ts';
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
  let collector: OtlpReceiver;

  before(async () => {
    address = `127.0.0.1:${await freePort()}`;
    collector = await startOtlpReceiver();
    await cluster.start({
      R_ZERO_METRICS_ADDRESS: address,
      R_ZERO_LOG_FORMAT: 'json',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=nightly',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    });
    await cluster.startRun({ ...TINY, runId: RUN, budget: { tokens: 10 ** 9 } });
    await failOnce();
    await until(
      () => cluster.runStatus(RUN),
      (status) => status === 'completed',
      120,
    );
    samples = await scrape(address);
  });
  after(async () => {
    await cluster.stop();
    await collector.close();
  });

  /** Kills the engine while a unit is at work, so that there is a failed try to count. */
  async function failOnce(): Promise<void> {
    for (;;) {
      const { rows } = await cluster.pool.query<{ outcome: string | null }>(
        'select outcome from r_zero.attempts where run_id = $1 order by attempt_id desc limit 1',
        [RUN],
      );
      if (rows[0]?.outcome === 'failed') return;
      if (rows[0]?.outcome === null) await cluster.kill('engine');
      await sleep(100);
    }
  }

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

    test('tries that failed, by code, and how long each try waited', async () => {
      const { tries, failed, code } = await row<{ tries: number; failed: number; code: string }>(
        `select count(*)::int as tries, count(*) filter (where outcome = 'failed')::int as failed, min(error_code) as code
         from r_zero.attempts where run_id = $1`,
      );
      assert.ok(failed > 0);
      assert.equal(total(samples, 'r_zero_unit_failures_total', { run: RUN, code }), failed);
      assert.equal(total(samples, 'r_zero_queue_seconds_count', { run: RUN }), tries);
    });

    test('of the workflow, counted once', () => {
      assert.equal(total(samples, 'r_zero_run_status_changes_total', { run: RUN, status: 'running' }), 1);
      assert.equal(total(samples, 'r_zero_run_status_changes_total', { run: RUN, status: 'completed' }), 1);
      assert.equal(total(samples, 'r_zero_iterations_finished_total', { run: RUN }), 2);
    });

    test('all that the dashboard asks for, with the labels that it groups by', async () => {
      const { rows } = await cluster.pool.query<{ longest: number }>(
        'select max(seconds) as longest from r_zero.units',
      );
      // A unit that is done before its first heartbeat has none that is late.
      const isQuick = rows[0]!.longest < 2.5;
      const names = new Set(samples.map(({ name }) => name));
      const asked = metricsIn(queries);
      assert.ok(asked.length > 20);
      assert.deepEqual(
        asked.filter((name) => !names.has(name) && !(isQuick && name.startsWith('r_zero_heartbeat_lag_seconds'))),
        [],
      );
      for (const [name, labels] of groupingsIn(queries)) {
        if (!names.has(name)) continue;
        const found = samples.find((sample) => sample.name === name)?.labels ?? {};
        for (const label of labels) assert.ok(label in found, `${name} has no label ${label}`);
      }
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

  describe('sends spans that are one tree:', () => {
    let byId: Map<string, ReceivedSpan>;
    before(async () => {
      await until(
        () => Promise.resolve(collector.spans.length),
        () => collector.spans.some(({ name }) => name === 'RunWorkflow:rZeroRun'),
      );
      byId = new Map(collector.spans.map((span) => [span.spanId, span]));
    });

    /** Names from the span to the root. */
    function pathOf(span: ReceivedSpan): string[] {
      const parent = byId.get(span.parentSpanId ?? '');
      return parent === undefined ? [span.name] : [span.name, ...pathOf(parent)];
    }

    test('engine call in unit in phase in iteration in run', () => {
      const { spans } = collector;
      const step = spans.find(({ name }) => name === 'engine trainStep');
      assert.ok(step);
      assert.deepEqual(pathOf(step), [
        'engine trainStep',
        'RunActivity:trainChallengerStep',
        'StartActivity:trainChallengerStep',
        'phase challenger_training',
        'RunWorkflow:rZeroIteration',
        'StartChildWorkflow:rZeroIteration',
        'RunWorkflow:rZeroRun',
      ]);
      assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
      assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, 'none is sent twice');
      assert.deepEqual([...new Set(spans.map(({ service }) => service))], ['nightly']);
    });

    test('each phase once an iteration, around its units', () => {
      const phases = collector.spans.filter(({ name }) => name.startsWith('phase '));
      assert.equal(phases.length, 1 + 7);
      const units = collector.spans.filter(({ name }) => name === 'RunActivity:labelQuestions');
      assert.equal(units.length, 2);
      const labelling = phases.find(({ name }) => name === 'phase labelling')!;
      for (const { startTimeUnixNano, endTimeUnixNano } of units) {
        assert.ok(BigInt(startTimeUnixNano) >= BigInt(labelling.startTimeUnixNano) - 50_000_000n);
        assert.ok(BigInt(endTimeUnixNano) <= BigInt(labelling.endTimeUnixNano) + 50_000_000n);
      }
    });

    test('with the place in the run, and no text of a question or an answer', async () => {
      const unit = collector.spans.find(({ name }) => name === 'RunActivity:labelQuestions');
      const { 'r_zero.run': runId, 'r_zero.phase': phase, 'r_zero.unit': number } = unit?.attributes ?? {};
      assert.deepEqual([runId, phase, Number(number)], [RUN, 'labelling', 0]);
      const { question } = await row<{ question: string }>(
        'select question from r_zero.questions where run_id = $1 and question is not null limit 1',
      );
      assert.ok(!JSON.stringify(collector.spans).includes(question));
    });
  });

  test('logs one JSON object a line, with the place in the run', () => {
    const lines = readFileSync(join(dataDir, 'logs', 'worker-0.log'), 'utf8')
      .trim()
      .split('\n');
    const entries = lines
      .filter((line) => !line.startsWith('r-zero worker is ready'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const stored = entries.filter(({ message }) => message === 'stored');
    assert.equal(stored.length, total(samples, 'r_zero_unit_seconds_count', { run: RUN }));
    const labelled = stored.find(({ phase, unit }) => phase === 'labelling' && unit === 1);
    const { run, iteration, level, meanPHat, trace_id: trace } = labelled ?? {};
    assert.equal(trace, collector.spans[0]?.traceId, 'and with the trace');
    assert.deepEqual({ run, iteration, level }, { run: RUN, iteration: 1, level: 'INFO' });
    assert.equal(typeof meanPHat, 'number');
  });

  test('`r-zero worker --metrics` serves them as well, and a taken address has a code', async () => {
    const other = `127.0.0.1:${await freePort()}`;
    const options = ['--data-dir', dataDir, '--log-level', 'warn'];
    const command = new RunningCommand(['worker', '--metrics', other, ...options], {
      R_ZERO_TASK_QUEUE: 'other',
      // Nobody listens: traces that cannot be sent must not hurt.
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    });
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
