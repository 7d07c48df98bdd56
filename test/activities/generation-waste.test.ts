import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineProgress, GenerationWork } from '../../activities/engine/types.ts';
import { meterWork } from '../../activities/generation-waste.ts';

const work = (times: number): GenerationWork => ({
  steps: times,
  rowSteps: 10 * times,
  idleRowSteps: 2 * times,
  prefills: 1,
  promptTokens: 30 * times,
  paddingTokens: 4 * times,
  sharedTokens: 50 * times,
});

test('the work of all calls that ended is added up, and every report is passed on', () => {
  const seen: EngineProgress[] = [];
  const meter = meterWork((report) => seen.push(report));
  const reports: EngineProgress[] = [
    { stage: 'sampling', done: 3, total: 8, work: work(1) },
    { stage: 'sampling', done: 8, total: 8, work: work(2) },
    { stage: 'scoring', done: 8, total: 8 },
    { stage: 'sampling', done: 5, total: 5, work: work(3) },
  ];
  for (const report of reports) meter.onProgress(report);
  assert.deepEqual(seen, reports);
  assert.deepEqual(meter.read(), {
    decodedRows: 50,
    idleRows: 10,
    promptTokens: 150,
    promptPaddingTokens: 20,
    sharedPromptTokens: 250,
  });
});

test('a unit that generates nothing says nothing of it', () => {
  const meter = meterWork(() => undefined);
  meter.onProgress({ stage: 'training', done: 8, total: 8 });
  assert.deepEqual(meter.read(), {});
});
