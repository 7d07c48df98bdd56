import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../support/properties.ts';
import { PHASE_WORDS, describeMetrics } from '../../infra/cli/phase-text.ts';
import { renderFrame } from '../../infra/cli/progress-frame.ts';
import { progressLines } from '../../infra/cli/progress-lines.ts';
import { phaseKey } from '../../infra/cli/progress-view.ts';
import type { ProgressView } from '../../infra/cli/progress-view.ts';
import { PHASE_ORDER } from '../../activities/phases.ts';
import type { PhaseMetrics, RunSnapshot } from '../../infra/cli/run-snapshot.ts';
import {
  BASE,
  FIRST,
  START,
  at,
  finishedPhases,
  finishedRun,
  phaseState,
  plain,
  runFacts,
} from './support/snapshots.ts';

const view = (snapshot: RunSnapshot, seconds: number, metrics: [string, PhaseMetrics][] = []): ProgressView => ({
  snapshot,
  metrics: new Map(metrics),
  now: at(seconds),
  followedSince: START,
});

const range = (first: number, last: number) => ({ first, last, sum: first + last });

function log(...views: ProgressView[]): string[] {
  const lines: string[] = [];
  const display = progressLines((line) => lines.push(line));
  for (const each of views) display.update(each);
  return lines.map((line) => line.replace(/^\d\d:\d\d:\d\d {2}/, ''));
}

const training = (unitsDone: number): RunSnapshot => ({
  run: runFacts(),
  phases: [
    ...finishedPhases(0),
    phaseState(1, 'challenger_training', { unitsDone, seconds: unitsDone * 2, startedAt: START }),
  ],
  summaries: [BASE],
});

describe('progress in a log', () => {
  test('tells the start and the end of a phase once, with its numbers', () => {
    const done = view(training(4), 9, [
      [phaseKey({ iteration: 1, phase: 'challenger_training' }), { meanReward: range(0.1, 0.31) }],
    ]);
    assert.deepEqual(log(view(training(0), 0), view(training(1), 2), view(training(1), 3), done, done), [
      'Stored already: the base model’s evaluation.',
      'iteration 1/2  Challenger training: 4 steps',
      'iteration 1/2  Challenger training done in 8.0 s: mean reward 0.10 → 0.31',
    ]);
  });

  test('tells a phase that began and ended between two looks', () => {
    const lines = log(view({ ...training(0), phases: finishedPhases(0) }, 0), view(training(4), 1));
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? '', /^iteration 1\/2 {2}Challenger training done/);
  });

  test('gives a sign of life every 15 seconds in a long phase', () => {
    const looks = Array.from({ length: 60 }, (_, second) => view(training(1), second));
    const lines = log(...looks).slice(2);
    assert.deepEqual(
      lines,
      [15, 30, 45].map((second) => `iteration 1/2  Challenger training 1/4 (25 %), ${second} s so far`),
    );
  });

  test('a phase of a resumed run says how much of it is stored', () => {
    const lines = log(view(training(3), 0));
    assert.equal(lines[0], 'Stored already: the base model’s evaluation; 3 of 4 steps of Challenger training.');
    assert.equal(lines[1], 'iteration 1/2  Challenger training: 4 steps, 3 stored already');
  });

  test('an iteration ends with its accuracies against the base model', () => {
    const snapshot = {
      run: runFacts(),
      phases: [...finishedPhases(0), ...finishedPhases(1)],
      summaries: [BASE, FIRST],
    };
    const lines = log(view(training(3), 0), view(snapshot, 5));
    assert.equal(
      lines.at(-1),
      'iteration 1/2  finished in 1 min 10 s: greedy 94.0 % (+66.0), sampled 55.0 % (+15.0) against the base, ' +
        '180 questions kept, labels true: 86.0 %',
    );
  });

  test('a pause and its end are told, with the reason', () => {
    const paused = { ...training(1), run: runFacts({ status: 'paused', statusReason: 'lunch' }) };
    const lines = log(view(training(1), 0), view(paused, 1), view(paused, 2), view(training(1), 3));
    assert.deepEqual(lines.slice(2), ['The run is paused: lunch', 'The run goes on.']);
  });

  test('a run that was resumed just now is not called paused', () => {
    const stale = { ...training(1), run: runFacts({ status: 'paused', statusReason: 'lunch' }) };
    assert.ok(!log(view(stale, 0)).some((line) => line.startsWith('The run is paused')));
  });
});

describe('progress on a terminal', () => {
  test('shows the phases of the iteration at work with bar, time and numbers', () => {
    const snapshot: RunSnapshot = {
      run: runFacts({ engine: { backend: 'tensorflow-cpu', backendVersion: '2.21.0' } }),
      phases: [
        ...finishedPhases(0),
        phaseState(1, 'challenger_training', { unitsDone: 4, seconds: 34, startedAt: START }),
        phaseState(1, 'dataset_generation', { unitsDone: 1, startedAt: at(34) }),
        phaseState(1, 'labelling'),
      ],
      summaries: [BASE],
    };
    const metrics: [string, PhaseMetrics][] = [['1/challenger_training', { meanReward: range(0.1, 0.31) }]];
    assert.deepEqual(renderFrame(view(snapshot, 40, metrics), 100, plain), [
      'Run demo · seed 1 · TensorFlow 2.21.0 on the CPU',
      'Iteration 1 of 2, 40 s elapsed',
      '',
      ' ✓ Challenger training           34 s  mean reward 0.10 → 0.31',
      ' ▸ Question generation   █████░░░░░░░░░░░░░░░ 1/4  6.0 s',
      '   Labelling by vote         4 shards',
      '',
      '  base model    greedy 28.0 %, sampled 40.0 %',
    ]);
  });

  test('says that a run is being opened, and why it stands still', () => {
    const empty = { run: runFacts(), phases: [], summaries: [] };
    assert.match(renderFrame(view(empty, 0), 80, plain).join('\n'), /being opened/);
    const parked = { ...training(1), run: runFacts({ status: 'parked', statusReason: 'disk\u001b[2J full' }) };
    assert.match(renderFrame(view(parked, 1), 80, plain).join('\n'), /parked: disk\\u001b\[2J full/);
  });

  test('no line is wider than the terminal, and no run makes the frame taller than a screen', () => {
    const rows = Array.from({ length: 60 }, (_, index) => ({ ...FIRST, iteration: index + 1 }));
    const snapshot = { ...training(1), summaries: [BASE, ...rows] };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), (columns) => {
        const lines = renderFrame(view(snapshot, 5), columns, plain);
        assert.ok(lines.every((line) => line.length <= columns));
        assert.ok(lines.length < 24);
      }),
    );
  });
});

describe('the numbers of a phase', () => {
  test('every phase has words', () => {
    for (const phase of PHASE_ORDER) assert.ok(PHASE_WORDS[phase].title && PHASE_WORDS[phase].short);
  });

  test('shards are added up, steps are shown from first to last', () => {
    assert.equal(
      describeMetrics('dataset_generation', { generated: range(96, 96), parsed: range(90, 91) }),
      '192 generated, 181 parsed',
    );
    assert.equal(
      describeMetrics('gating', {
        questions: { first: 384, last: 384, sum: 384 },
        kept: { first: 9, last: 9, sum: 9 },
      }),
      'kept 9 of 384',
    );
    assert.equal(
      describeMetrics('solver_training', {
        meanReward: range(0.5, 0.75),
        workedShare: range(0.4, 0.9),
        entropy: range(1.5, 0.25),
      }),
      'mean reward 0.50 → 0.75, worked answers 40 % → 90 %, entropy 1.50 → 0.25',
    );
  });

  test('numbers that are missing or not numbers are left out', () => {
    for (const phase of PHASE_ORDER) {
      if (phase === 'audit') continue;
      assert.equal(describeMetrics(phase, {}), '');
      const broken = { first: Number.NaN, last: Number.NaN, sum: Number.NaN };
      assert.doesNotMatch(
        describeMetrics(phase, { meanReward: broken, kept: broken, generated: broken, greedyAccuracy: broken }),
        /NaN/,
      );
    }
    assert.equal(
      describeMetrics('audit', { agreeing: range(0, 0), audited: range(0, 0) }),
      'no oracle for these questions',
    );
  });

  test('a finished run has nothing at work', () => {
    assert.doesNotMatch(renderFrame(view(finishedRun(), 1), 100, plain).join('\n'), /▸/);
  });
});
