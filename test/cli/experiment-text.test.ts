import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { meanInterval } from '../../activities/statistics.ts';
import type { ExperimentResultRow } from '../../db/queries/experiments.ts';
import {
  percentWithMargin,
  renderExperiment,
  renderExperimentMarkdown,
  summarizeExperiment,
  withTroubles,
} from '../../infra/cli/experiment-text.ts';

const row = (
  setting: string,
  seed: number,
  iteration: number | null,
  greedyAccuracy: number | null,
  more: Partial<ExperimentResultRow> = {},
): ExperimentResultRow => ({
  position: 0,
  setting,
  seed,
  runId: `e-${setting}-${seed}`,
  status: 'completed',
  statusReason: null,
  iteration,
  greedyAccuracy,
  sampledAccuracy: greedyAccuracy,
  workedShare: null,
  workedAccuracy: null,
  labelAccuracy: null,
  tokens: 1_000_000,
  seconds: 10,
  ...more,
});

describe('the table of an experiment', () => {
  const rows = [
    ...[0.2, 0.8, 0.6].map((accuracy, iteration) => row('plain', 1, iteration, accuracy)),
    ...[0.2, 0.9, 0.9].map((accuracy, iteration) => row('plain', 2, iteration, accuracy)),
    ...[0.2, 0.4].map((accuracy, iteration) => row('slow', 1, iteration, accuracy, { status: 'running' })),
    row('late', 1, null, null, { status: null }),
    row('broken', 1, 0, 0.2, { status: 'parked', statusReason: 'The disk is full.\u001b[2J' }),
  ];
  const report = summarizeExperiment('e', rows);

  test('names runs that the experiment left out, each once', () => {
    const { troubles } = withTroubles(report, [
      { runId: 'e-slow-1', reason: 'Another workflow advances it.' },
      { runId: 'e-broken-1', reason: 'It is parked.' },
    ]);
    assert.deepEqual(
      troubles.map(({ runId, status }) => `${runId} ${status}`),
      ['e-broken-1 parked', 'e-slow-1 left out'],
    );
  });

  test('compares at the last iteration, run by run', () => {
    assert.equal(report.iteration, 2);
    const [plain, slow, late] = report.settings;
    assert.deepEqual([plain!.runs, plain!.finished], [2, 2]);
    const near = (value: number | undefined, wanted: number) =>
      assert.ok(Math.abs(value! - wanted) < 1e-12, `${value}`);
    near(plain!.greedy.base?.mean, 0.2);
    near(plain!.greedy.best?.mean, 0.85);
    near(plain!.greedy.last?.mean, 0.75);
    // 0.6/0.8 and 0.9/0.9, not 0.75/0.85
    near(plain!.greedy.retained?.mean, 0.875);
    // The first of equals.
    assert.equal(plain!.bestIteration!.mean, 1);
    assert.equal(plain!.tokens!.mean, 3_000_000);
    for (const unfinished of [slow!, late!])
      assert.deepEqual([unfinished.finished, unfinished.greedy.last, unfinished.tokens], [0, null, null]);
  });

  test('tells the share of worked answers and their accuracy apart, and labels first and last', () => {
    const labels = [null, 0.6, null, 0.8];
    const [result] = summarizeExperiment(
      'e',
      [0, 1, 2, 3].map((iteration) =>
        row('a', 1, iteration, 0.5, {
          workedShare: 0.4 + iteration / 10,
          workedAccuracy: [0.75, 0.8, 0.9, 0.7][iteration]!,
          labelAccuracy: labels[iteration]!,
        }),
      ),
    ).settings;
    assert.deepEqual(result!.workedShare.last, { mean: 0.7, margin: null });
    const { base, best, last } = result!.workedAccuracy;
    assert.deepEqual([base!.mean, best!.mean, last!.mean], [0.75, 0.9, 0.7]);
    assert.deepEqual([result!.labelsFirst!.mean, result!.labelsLast!.mean], [0.6, 0.8]);
    assert.match(
      renderExperimentMarkdown({ settings: [result!] } as never),
      /40\.0 → 70\.0 \| 75\.0 → 70\.0 \| 60\.0 → 80\.0/,
    );
  });

  test('a single seed has no interval, and none is made up', () => {
    assert.equal(percentWithMargin(meanInterval([0.5])), '50.0');
    assert.equal(percentWithMargin(meanInterval([0.5, 0.5])), '50.0 ± 0.0');
    assert.equal(percentWithMargin(null), '–');
  });

  test('runs that are not finished are counted and named, and their reasons cannot move the cursor', () => {
    const text = renderExperiment(report);
    assert.match(text, /late +0 of 1 +– /);
    assert.match(text, /e-broken-1 is parked: The disk is full\./);
    assert.ok(!text.includes('\u001b'));
  });

  test('the document has the same numbers', () => {
    const lines = renderExperimentMarkdown(report).split('\n');
    assert.equal(lines.length, 2 + report.settings.length);
    assert.match(lines[2]!, /^\| plain \| 2 \| 20\.0 → 75\.0 ± 190\.6 \| 85\.0 ± 63\.5 \| 1\.0 \| 87\.5 ± /);
  });
});

test('intervals are those of Student’s distribution', () => {
  // scipy.stats.t.interval(0.95, n - 1, mean, sem) of 1, 2, ... n
  for (const [n, margin] of [
    [3, 2.484138],
    [5, 1.963243],
    [12, 2.29086],
    [40, 3.738747],
  ] as const) {
    const interval = meanInterval(Array.from({ length: n }, (_, index) => index + 1));
    assert.ok(Math.abs(interval!.margin! - margin) < 2e-4, `${n}: ${interval!.margin}`);
  }
});
