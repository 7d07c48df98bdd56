import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleCompletions } from '../../activities/engine/sampler.ts';
import type { Completion, EngineProgress, SampleItem, SampleRequest } from '../../activities/engine/types.ts';
import type { Model } from '../../activities/engine/weights.ts';
import { DEMO, TINY, makeModel, seedOf, storedWeights, tokensOf } from './support/models.ts';
import { referenceLogits, referenceLogprobs } from './support/reference-model.ts';

/** Prompts of different lengths, some of them shared. */
function itemsOf(count: number, vocabSize: number): SampleItem[] {
  return Array.from({ length: count }, (_, i) => ({
    promptTokens: tokensOf(2 + ((i >> 1) % 5), i >> 1, vocabSize),
    seed: seedOf(i),
  }));
}

const PLAIN = { maxTokens: 12, temperature: 1 };
const tokens = (completions: readonly Completion[]): number[][] => completions.map((completion) => completion.tokens);

function assertLogprobsNear(actual: readonly Completion[], expected: readonly Completion[], tolerance: number): void {
  for (const [i, { logprobs }] of expected.entries()) {
    logprobs.forEach((value, t) => assert.ok(Math.abs(actual[i]!.logprobs[t]! - value) < tolerance));
  }
}

test('cached decoding of left-padded prompts equals the full forward pass in double precision', async () => {
  const model = await makeModel(TINY);
  const weights = storedWeights(model);
  const items = itemsOf(12, TINY.vocabSize);
  for (const [params, temperature] of [
    [{ temperature: 1 }, 1],
    [{ temperature: 0.7, topP: 0.8 }, 0.7],
    [{ temperature: 1.6 }, 1.6],
    [{ temperature: 0 }, 1],
  ] as const) {
    const completions = await sampleCompletions(model, { items, params: { ...PLAIN, stopTokens: [], ...params } });
    for (const [i, { tokens, logprobs }] of completions.entries()) {
      assert.equal(tokens.length, 12);
      const expected = referenceLogprobs(TINY, weights, items[i]!.promptTokens, tokens, temperature);
      expected.forEach((value, t) => assert.ok(Math.abs(logprobs[t]! - value) < 1e-5, `${logprobs[t]} not ${value}`));
    }
  }
});

test('greedy decoding takes the likeliest token of the reference at every step', async () => {
  const model = await makeModel(TINY);
  const weights = storedWeights(model);
  const items = itemsOf(6, TINY.vocabSize);
  const completions = await sampleCompletions(model, { items, params: { maxTokens: 6, temperature: 0 } });
  for (const [i, { tokens }] of completions.entries()) {
    const sequence = [...items[i]!.promptTokens];
    for (const token of tokens) {
      const logits = referenceLogits(TINY, weights, sequence).at(-1)!;
      assert.equal(token, logits.indexOf(Math.max(...logits)));
      sequence.push(token);
    }
  }
});

test('the same request gives the same result, bit by bit', async () => {
  const model = await makeModel(DEMO);
  const request: SampleRequest = { items: itemsOf(60, DEMO.vocabSize), params: PLAIN, batchSize: 32 };
  assert.deepEqual(await sampleCompletions(model, request), await sampleCompletions(model, request));
});

test("a sample does not depend on its neighbours' seeds", async () => {
  const model = await makeModel(DEMO);
  const items = itemsOf(64, DEMO.vocabSize);
  const other = items.map((item, i) => (i % 3 === 0 ? item : { ...item, seed: seedOf(i + 1000) }));
  const request = { params: PLAIN, batchSize: 32 };
  const first = await sampleCompletions(model, { items, ...request });
  const second = await sampleCompletions(model, { items: other, ...request });
  const kept = (completions: readonly Completion[]) => completions.filter((_, i) => i % 3 === 0);
  assert.deepEqual(tokens(kept(first)), tokens(kept(second)));
  assertLogprobsNear(kept(first), kept(second), 1e-5);
  assert.notDeepEqual(tokens(first), tokens(second));
});

test('a sequence alone and the same one in a batch of 16 agree', async () => {
  const model = await makeModel(DEMO);
  const items = itemsOf(16, DEMO.vocabSize);
  const together = await sampleCompletions(model, { items, params: PLAIN, batchSize: 16 });
  const alone = await sampleCompletions(model, { items, params: PLAIN, batchSize: 1 });
  assert.deepEqual(tokens(alone), tokens(together));
  assertLogprobsNear(alone, together, 1e-5);
});

test('sequences that enter a batch under way, behind a beginning that it holds, come out as alone', async () => {
  const model = await makeModel(DEMO);
  const examples = tokensOf(24, 5, DEMO.vocabSize);
  const items = itemsOf(40, DEMO.vocabSize).map(({ promptTokens, seed }, i) => ({
    promptTokens: i % 5 === 0 ? promptTokens : [...examples.slice(0, 20 + (i % 4)), ...promptTokens],
    seed,
  }));
  // An eighth of the vocabulary ends a sequence: rows are free at all times.
  const params = { maxTokens: 30, temperature: 1, stopTokens: [3, 11, 19, 27] };
  const reports: EngineProgress[] = [];
  const onProgress = (progress: EngineProgress): unknown => reports.push(progress);
  const together = await sampleCompletions(model, { items, params, batchSize: 6 }, { onProgress });
  const alone = await sampleCompletions(model, { items, params, batchSize: 1 });
  assert.deepEqual(tokens(together), tokens(alone));
  assertLogprobsNear(together, alone, 1e-5);
  const { steps, rowSteps, idleRowSteps, sharedTokens } = reports.at(-1)!.work!;
  assert.ok(new Set(together.map((completion) => completion.tokens.length)).size > 8);
  assert.ok(idleRowSteps < 0.15 * rowSteps && rowSteps < 6 * steps, `${idleRowSteps} of ${rowSteps} in ${steps}`);
  assert.ok(sharedTokens > 31 * 20);
  for (const { tokens, logprobs } of together) assert.equal(tokens.length, logprobs.length);
  const weights = storedWeights(model);
  for (const [i, { tokens, logprobs }] of together.slice(0, 12).entries()) {
    const expected = referenceLogprobs(DEMO, weights, items[i]!.promptTokens, tokens);
    expected.forEach((value, t) => assert.ok(Math.abs(logprobs[t]! - value) < 1e-5, `${logprobs[t]} not ${value}`));
  }
});

test('rows that end are dropped from the batch without touching the others', async () => {
  const model = await makeModel(DEMO);
  const items = itemsOf(64, DEMO.vocabSize);
  // Half the vocabulary ends a sequence, so batches shrink quickly and unevenly.
  const stopTokens = Array.from({ length: 8 }, (_, i) => i * 3);
  const params = { maxTokens: 40, temperature: 1, stopTokens };
  const stopping = await sampleCompletions(model, { items, params, batchSize: 64 });
  const whole = await sampleCompletions(model, { items, params: { ...params, stopTokens: [] }, batchSize: 64 });
  const lengths = new Set(stopping.map((completion) => completion.tokens.length));
  assert.ok(lengths.size > 5, 'the sequences end at different steps');
  for (const [i, completion] of stopping.entries()) {
    const end = whole[i]!.tokens.findIndex((token) => stopTokens.includes(token));
    const expected = end < 0 ? whole[i]!.tokens : whole[i]!.tokens.slice(0, end + 1);
    assert.deepEqual(completion.tokens, expected);
    assert.equal(completion.finishReason, end < 0 ? 'length' : 'stop');
  }
});

test('a sequence ends at the stop token, at maxTokens, or at the end of the context', async () => {
  const model = await makeModel(TINY);
  const all = Array.from({ length: TINY.vocabSize }, (_, id) => id);
  const item = { promptTokens: [1, 4], seed: seedOf(1) };
  const run = async (params: SampleRequest['params'], promptTokens = item.promptTokens) =>
    (await sampleCompletions(model, { items: [{ ...item, promptTokens }], params }))[0]!;

  const stopped = await run({ ...PLAIN, stopTokens: all });
  assert.deepEqual([stopped.tokens.length, stopped.finishReason], [1, 'stop']);
  const cut = await run({ ...PLAIN, maxTokens: 3, stopTokens: [] });
  assert.deepEqual([cut.tokens.length, cut.finishReason], [3, 'length']);
  const long = tokensOf(TINY.maxPositions - 2, 1, TINY.vocabSize);
  const full = await run({ ...PLAIN, maxTokens: 30, stopTokens: [] }, long);
  assert.deepEqual([full.tokens.length, full.finishReason], [2, 'length']);
});

test('prompts near the end of the context do not disturb short ones in the same batch', async () => {
  const model = await makeModel(TINY);
  const short = { promptTokens: [1, 4], seed: seedOf(5) };
  const long = { promptTokens: tokensOf(TINY.maxPositions - 1, 1, TINY.vocabSize), seed: seedOf(6) };
  const params = { maxTokens: 20, temperature: 1, stopTokens: [] };
  const [alone] = await sampleCompletions(model, { items: [short], params });
  const [beside] = await sampleCompletions(model, { items: [short, long], params });
  assert.deepEqual(beside!.tokens, alone!.tokens);
});

test('the first token follows the distribution of the model', async () => {
  const model = await makeModel(TINY);
  const promptTokens = [1, 5, 7];
  const count = 4000;
  const items = Array.from({ length: count }, (_, i) => ({ promptTokens, seed: seedOf(i) }));
  const completions = await sampleCompletions(model, { items, params: { maxTokens: 1, temperature: 1 } });
  const logits = referenceLogits(TINY, storedWeights(model), promptTokens).at(-1)!;
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
  const seen = Array.from({ length: TINY.vocabSize }, () => 0);
  for (const { tokens } of completions) seen[tokens[0]!]! += 1;
  const chiSquare = logits.reduce((sum, logit, token) => {
    const expected = (count * Math.exp(logit)) / total;
    return sum + (seen[token]! - expected) ** 2 / expected;
  }, 0);
  // 99.9 % point of chi-square with 10 degrees of freedom.
  assert.ok(chiSquare < 29.6, `chi-square ${chiSquare}`);
});

test('requests out of range are refused by field', async () => {
  const model = await makeModel(TINY);
  const item = { promptTokens: [1], seed: seedOf(1) };
  const cases: [string, Partial<SampleRequest>][] = [
    ['items[1].promptTokens', { items: [item, { ...item, promptTokens: [] }] }],
    ['items[0].promptTokens', { items: [{ ...item, promptTokens: [11] }] }],
    ['items[0].promptTokens', { items: [{ ...item, promptTokens: [1.5] }] }],
    ['items[0].promptTokens', { items: [{ ...item, promptTokens: tokensOf(TINY.maxPositions, 1, 11) }] }],
    ['items[0].seed', { items: [{ ...item, seed: 'xyz' }] }],
    ['params.maxTokens', { params: { ...PLAIN, maxTokens: 0 } }],
    ['params.temperature', { params: { ...PLAIN, temperature: -1 } }],
    ['params.temperature', { params: { ...PLAIN, temperature: 0.001 } }],
    ['params.temperature', { params: { ...PLAIN, temperature: NaN } }],
    ['params.topP', { params: { ...PLAIN, topP: 0 } }],
    ['params.topK', { params: { ...PLAIN, topK: 1.5 } }],
    ['params.minP', { params: { ...PLAIN, minP: 1.1 } }],
    ['params.minP', { params: { ...PLAIN, minP: NaN } }],
    ['batchSize', { batchSize: 0 }],
    [
      'params.stopPattern',
      {
        params: {
          ...PLAIN,
          stopPattern: { states: 2, vocabulary: 5, tokens: Int32Array.of(1), next: Int32Array.of(2, 0) },
        },
      },
    ],
  ];
  for (const [field, change] of cases) {
    const request = { items: [item], params: PLAIN, ...change };
    await assert.rejects(sampleCompletions(model, request), { code: 'EngineRequestInvalid', field }, field);
  }
});

test('no items, no completions', async () => {
  const model = await makeModel(TINY);
  assert.deepEqual(await sampleCompletions(model, { items: [], params: PLAIN }), []);
});

test('a cancelled request frees what it held', async () => {
  const model: Model = await makeModel(DEMO);
  const { tf } = model.runtime;
  const before = tf.memory().numTensors;
  const controller = new AbortController();
  const request = { items: itemsOf(64, DEMO.vocabSize), params: { ...PLAIN, maxTokens: 40 }, batchSize: 16 };
  const run = sampleCompletions(model, request, { signal: controller.signal, onProgress: () => controller.abort() });
  await assert.rejects(run, { code: 'EngineCancelled' });
  assert.equal(tf.memory().numTensors, before);
});
