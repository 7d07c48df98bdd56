import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveRunInput } from '../../activities/run-input.ts';
import { demoInput } from '../../infra/cli/demo-run.ts';
import { explainLoop } from '../../infra/cli/loop-facts.ts';
import { nextSteps } from '../../infra/cli/next-steps.ts';
import { demoResult, explainGain, renderSummary } from '../../infra/cli/summary.ts';
import type { RunSnapshot } from '../../infra/cli/run-snapshot.ts';
import { BASE, FIRST, SECOND, finishedPhases, finishedRun, plain, runFacts, summaryRow } from './support/snapshots.ts';

const rowsOf = (text: string, title: string): string[][] => {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(title));
  assert.ok(start >= 0, title);
  const end = lines.indexOf('', start);
  return lines.slice(start + 2, end).map((line) => line.trim().split(/ {2,}/));
};

describe('the summary', () => {
  const text = renderSummary(finishedRun(), plain);

  test('shows held-out accuracies by iteration with their gain against the base model', () => {
    assert.deepEqual(rowsOf(text, 'Solver on held-out questions'), [
      ['base', '28.0 %', '40.0 %', '70.0 %', '44.0 %', '77.0 %'],
      ['1', '94.0 %', '+66.0', '55.0 %', '+15.0', '80.0 %', '+10.0', '75.0 %', '78.0 %'],
      ['2', '94.0 %', '+66.0', '65.0 %', '+25.0', '80.0 %', '+10.0', '90.0 %', '78.0 %'],
    ]);
  });

  test('shows what became of the questions, and how true their labels are', () => {
    assert.deepEqual(rowsOf(text, 'Questions written'), [
      ['1', '384', '350', '180', '0.61', '86.0 %'],
      ['2', '384', '350', '120', '0.61', '86.0 %'],
    ]);
  });

  test('shows what further oracles say, with intervals, and nothing where nobody else was asked', () => {
    assert.doesNotMatch(text, /Labels by oracle/);
    const estimate = (oracle: string, kept: boolean | null, change = {}) => ({
      iteration: 1,
      oracle,
      kept,
      labelled: 350,
      audited: 64,
      undecided: 2,
      label_accuracy: 0.71,
      lower: 0.6,
      upper: 0.8,
      ...change,
    });
    const labels = [
      estimate('computed', true),
      estimate('computed', null),
      estimate('judge:\u001b[2Jgpt', true, { label_accuracy: null, lower: 0, upper: 1 }),
      estimate('judge:\u001b[2Jgpt', null),
    ];
    const judged = renderSummary({ ...finishedRun(), labels }, plain);
    assert.deepEqual(rowsOf(judged, 'Labels by oracle'), [
      ['1', 'computed', '71.0 % (60.0–80.0)', '71.0 % (60.0–80.0)', '64', '2'],
      ['1', 'judge:\\u001b[2Jgpt', '– (0.0–100.0)', '71.0 % (60.0–80.0)', '64', '2'],
    ]);
  });

  test('says of how many labels the truth is known when it is not of all', () => {
    const run = finishedRun();
    run.summaries = [BASE, { ...FIRST, label_accuracy: 1, audited: 1 }];
    assert.equal(rowsOf(renderSummary(run, plain), 'Questions written')[0]?.at(-1), '100.0 % of 1');
  });

  test('shows the working time of every phase', () => {
    const rows = rowsOf(text, 'Working time by phase');
    assert.deepEqual(rows[0], ['base', '10 s', '4.0 s']);
    assert.deepEqual(rows[1], ['1', ...Array<string>(7).fill('10 s'), '1 min 10 s']);
  });

  test('fits into 100 columns', () => {
    for (const line of text.split('\n').filter((line) => line.startsWith('  '))) assert.ok(line.length <= 100, line);
  });

  test('shows a measurement that is missing as missing, not as zero', () => {
    const run = finishedRun();
    run.summaries = [summaryRow(0), summaryRow(1, { generated: 10, parsed: 9 })];
    const bare = renderSummary(run, plain);
    assert.doesNotMatch(bare, /held-out/);
    assert.deepEqual(rowsOf(bare, 'Questions written'), [['1', '10', '9', '–', '–', '–']]);
  });

  test('keeps long runs short and says so', () => {
    const run = finishedRun({ iterations: 60 });
    run.summaries = [BASE, ...Array.from({ length: 60 }, (_, index) => ({ ...FIRST, iteration: index + 1 }))];
    const long = renderSummary(run, plain);
    assert.equal(rowsOf(long, 'Solver on held-out').length, 21);
    assert.match(long, /Only the last 20 of 60 iterations/);
  });
});

describe('what the gain means', () => {
  const explain = (final: Partial<typeof SECOND>, control = 'none') =>
    explainGain({ run: runFacts({ control }), summaries: [BASE, { ...SECOND, ...final }] });

  test('a higher share of worked answers at the same accuracy is elicitation', () => {
    const text = explain({}) ?? '';
    assert.match(text, /elicitation/);
    assert.match(text, /44\.0 % to 90\.0 %/);
    assert.match(text, /77\.0 % were right before, 78\.0 % after/);
  });

  test('a higher accuracy of worked answers is not called elicitation', () => {
    assert.doesNotMatch(explain({ worked_share: 0.5, worked_accuracy: 0.97 }) ?? '', /elicitation/);
    assert.doesNotMatch(explain({ worked_share: 0.75, worked_accuracy: 0.95 }) ?? '', /elicitation/);
  });

  test('no gain is called no gain', () => {
    assert.match(explain({ sampled_accuracy: 0.4, worked_share: 0.9 }) ?? '', /did not rise/);
  });

  test('a control is called a control, whatever it did', () => {
    assert.match(explain({}, 'random-reward') ?? '', /^A control/);
  });

  test('nothing is claimed without measurements', () => {
    assert.equal(explainGain({ run: runFacts(), summaries: [BASE] }), undefined);
    assert.equal(explain({ sampled_accuracy: null }), undefined);
  });
});

describe('without held-out questions', () => {
  const smallRun = (kept: number): RunSnapshot => {
    const config = resolveRunInput(demoInput({ model: 'smollm2-135m' })).config;
    const row = summaryRow(1, { generated: 16, parsed: 14, kept, mean_p_hat: 0.31, seconds: 300 });
    return {
      run: runFacts({ status: 'completed', config, iterations: 1 }),
      phases: finishedPhases(1)
        .filter(({ phase }) => phase !== 'evaluation')
        .map((state) => ({ ...state, unitsDone: 2, units: 2 })),
      summaries: [summaryRow(0), row],
    };
  };

  test('the summary says what ran and claims no gain', () => {
    const text = renderSummary(smallRun(9), plain);
    assert.match(text, /The loop ran on smollm2-135m: 14 of 16 questions \(87\.5 %\) had the form .*, 9 were kept\./);
    assert.match(text, /the Challenger for 2 steps, the Solver for 2 steps/);
    assert.match(text, /No gain was measured, and none is claimed/);
    assert.doesNotMatch(text, /skipped/);
    assert.deepEqual(rowsOf(text, 'Questions written'), [['1', '16', '14', '9', '0.31', '–']]);
    assert.deepEqual(
      rowsOf(text, 'Working time by phase').map(([name]) => name),
      ['1'],
    );
    for (const line of text.split('\n').slice(0, -1)) assert.ok(line.length <= 100 || line.startsWith('The'), line);
  });

  test('training that was skipped is not called training', () => {
    const text = renderSummary(smallRun(3), plain);
    assert.match(text, /the Solver for 0 steps/);
    assert.match(text, /not trained on fewer than 4 kept questions: those steps were skipped/);
    assert.deepEqual(demoResult(smallRun(3), 1).solverSteps, [0]);
    assert.deepEqual(demoResult(smallRun(4), 1).solverSteps, [2]);
  });

  test('a run that was evaluated says nothing of the kind', () => {
    assert.equal(explainLoop(finishedRun()), undefined);
    assert.equal(explainLoop({ ...smallRun(3), summaries: [summaryRow(1)] }), undefined);
  });
});

describe('the result for scripts', () => {
  test('has the accuracies of base and end, and one entry an iteration', () => {
    const result = demoResult(finishedRun(), 61.26);
    assert.deepEqual(result, {
      runId: 'demo',
      iterations: 2,
      seed: 1,
      control: 'none',
      preset: 'default',
      model: 'builtin',
      baseGreedy: 0.28,
      finalGreedy: 0.94,
      baseSampled: 0.4,
      finalSampled: 0.65,
      baseMajority: 0.7,
      finalMajority: 0.8,
      baseWorkedShare: 0.44,
      finalWorkedShare: 0.9,
      baseWorkedAccuracy: 0.77,
      finalWorkedAccuracy: 0.78,
      labelAccuracy: [0.86, 0.86],
      generated: [384, 384],
      parsed: [350, 350],
      kept: [180, 120],
      meanPHat: [0.61, 0.61],
      solverSteps: [4, 4],
      seconds: 61.3,
    });
  });

  test('says null for what was not measured, and stays one line of JSON', () => {
    const run = finishedRun();
    run.summaries = [summaryRow(0), summaryRow(1)];
    const text = JSON.stringify(demoResult(run, 1));
    assert.doesNotMatch(text, /\n/);
    const { finalGreedy, labelAccuracy } = JSON.parse(text) as { finalGreedy: null; labelAccuracy: null[] };
    assert.equal(finalGreedy, null);
    assert.deepEqual(labelAccuracy, [null]);
  });
});

test('the next steps name the run, the data directory and the next experiment', () => {
  const steps = nextSteps(
    { runId: 'demo-seed-2', iterations: 3, seed: 2, control: 'none' },
    { seed: 2 },
    '/data/my runs',
    plain,
  );
  assert.match(steps, /run_id = 'demo-seed-2'/);
  assert.match(steps, /npx r-zero up --data-dir '\/data\/my runs'/);
  assert.match(steps, /--seed 2 --iterations 4/);
  assert.match(steps, /--seed 3 /);
  assert.match(steps, /--seed 2 --control random-reward/);
});
