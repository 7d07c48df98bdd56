import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SampleRequest } from '../../activities/engine/types.ts';
import { evaluateBase, type TextCodec } from '../../infra/pretrain/evaluate-base.ts';
import type { HeldOutQuestion } from '../../infra/pretrain/held-out.ts';

const codec: TextCodec = {
  encode: (text) => Array.from(text, (character) => character.charCodeAt(0)),
  decode: (ids) => String.fromCharCode(...ids),
};
const heldOut: HeldOutQuestion[] = [
  { question: '1+2+3', answer: '6', terms: 3 },
  { question: '9+9+9', answer: '27', terms: 3 },
];

/** A model that says these things, greedily and then in eight samples per question. */
function scripted(greedy: string[], sampled: string[][]) {
  const requests: SampleRequest[] = [];
  return {
    requests,
    sample: (request: SampleRequest) => {
      requests.push(request);
      const texts = request.params.temperature === 0 ? greedy : sampled.flat();
      assert.equal(request.items.length, texts.length);
      return Promise.resolve(
        texts.map((text) => ({ tokens: codec.encode(text), logprobs: [], finishReason: 'stop' as const })),
      );
    },
  };
}

test('accuracy, majority and styles are counted per answer and per question', async () => {
  const model = scripted(
    ['03,06,\\boxed{6}', '\\boxed{26}'],
    [
      // 4 worked and right, 1 worked and wrong, 1 guessed right, 1 guessed wrong, 1 without a box: 6 wins.
      [...Array<string>(4).fill('03,06,\\boxed{6}'), '03,07,\\boxed{7}', '\\boxed{6}', '\\boxed{5}', '03,06,'],
      // The truth has three votes, a wrong answer four.
      [...Array<string>(4).fill('\\boxed{28}'), ...Array<string>(3).fill('18,27,\\boxed{27}'), '\\boxed{1}'],
    ],
  );
  const found = await evaluateBase(model.sample, codec, heldOut, 5);
  assert.deepEqual(found, {
    questions: 2,
    greedy: 1 / 2,
    greedyWorkedShare: 1 / 2,
    sampled: 8 / 16,
    majority: 1 / 2,
    votes: 8,
    workedShare: 9 / 16,
    workedAccuracy: 7 / 9,
    guessAccuracy: 1 / 7,
    unreadableShare: 1 / 16,
  });
});

test('every sample has its own seed and the prompt of its question', async () => {
  const model = scripted(['', ''], [Array<string>(8).fill(''), Array<string>(8).fill('')]);
  await evaluateBase(model.sample, codec, heldOut, 4_294_967_295);
  const items = model.requests[1]?.items ?? [];
  assert.equal(new Set(items.map(({ seed }) => seed)).size, 16);
  for (const { seed } of items) assert.match(seed, /^[0-9a-f]{16}$/);
  assert.equal(codec.decode(items[0]?.promptTokens ?? []), '<bos>Q:1+2+3=?\nA:');
  assert.equal(codec.decode(items[15]?.promptTokens ?? []), '<bos>Q:9+9+9=?\nA:');
});

test('a model that never answers scores zero everywhere', async () => {
  const model = scripted(['', ''], [Array<string>(8).fill(''), Array<string>(8).fill('')]);
  const found = await evaluateBase(model.sample, codec, heldOut, 0);
  assert.equal(found.greedy + found.sampled + found.majority + found.workedAccuracy + found.guessAccuracy, 0);
  assert.equal(found.unreadableShare, 1);
});
