import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ggufTokenizer } from '../../activities/engine/gguf/tokenizer.ts';
import { createLocalEngine } from '../../activities/engine/index.ts';
import { stopWatches } from '../../activities/engine/stop-pattern.ts';
import { createTokenizer, loadTokenizer } from '../../activities/engine/tokenizer.ts';
import type { Tokenizer } from '../../activities/engine/tokenizer.ts';
import type { Completion, ModelLease } from '../../activities/engine/types.ts';
import { modelFolder } from '../../activities/model-folder.ts';
import { sampleTexts } from '../../activities/sampling.ts';
import { stopPatternOf } from '../../activities/stop-automaton.ts';
import { endAtStopText } from '../../activities/stop-texts.ts';
import { fc } from '../support/properties.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const BASE = here('../../activities/engine/base-model');

/** Byte-level BPE with merges, a special token, a plain added one, and a token that is not used. */
async function byteLevel(): Promise<Tokenizer> {
  const { tokens, merges } = JSON.parse(await readFile(here('../engine/fixtures/tokenizers.json'), 'utf8')) as {
    tokens: string[];
    merges: string[];
  };
  const more = ['ĊĊ', '.Ċ', 'ĠQu', 'Qu', 'est', 'ion', 'ion:', '<|end|>', '<tool>', '[unused]'];
  const all = [...tokens, ...more.filter((token) => !tokens.includes(token))];
  const types = all.map((token) => ({ '<|end|>': 3, '<tool>': 4, '[unused]': 5 })[token] ?? 1);
  const { definition, config } = ggufTokenizer(
    new Map<string, string | string[] | number[]>([
      ['tokenizer.ggml.model', 'gpt2'],
      ['tokenizer.ggml.pre', 'smollm'],
      ['tokenizer.ggml.tokens', all],
      ['tokenizer.ggml.token_type', types],
      ['tokenizer.ggml.merges', merges],
    ]),
  );
  return createTokenizer(definition, config);
}

const completionOf = (tokens: readonly number[]): Completion => ({
  tokens: [...tokens],
  logprobs: tokens.map((_, index) => -index),
  finishReason: 'length',
});

/** Fails unless the automaton ends with the first token by which the text has a stop text, and cutting then is the same. */
function assertFollows(tokenizer: Tokenizer, tokens: readonly number[], stop: readonly string[]): boolean {
  const pattern = stopPatternOf(tokenizer, stop);
  assert.ok(pattern);
  const ends = stopWatches(new Set(), pattern)();
  const at = tokens.findIndex((token) => ends(token));
  const contains = (count: number): boolean => {
    const text = tokenizer.decode(tokens.slice(0, count));
    return stop.some((part) => text.includes(part));
  };
  const first = Array.from(tokens, (_, index) => index).find((index) => contains(index + 1)) ?? -1;
  const what = `${JSON.stringify(stop)} in ${JSON.stringify(tokenizer.decode(tokens))} = ${tokens.join(' ')}`;
  assert.equal(at, first, what);
  if (at < 0) return false;
  const early = endAtStopText(tokenizer, completionOf(tokens.slice(0, at + 1)), stop);
  assert.deepEqual(early, endAtStopText(tokenizer, completionOf(tokens), stop), what);
  return true;
}

const STOPS = [
  ['\n'],
  ['\n\n'],
  ['\nQuestion:'],
  [' Question', 'ion:'],
  ['aab', 'ab', 'b\n'],
  ['é', '漢'],
  ['.\n\n', '\nQ'],
];

describe('a sequence ends with the token that completes a stop text', () => {
  test('wherever texts are cut into tokens, and whatever stands between', async () => {
    const tokenizer = await byteLevel();
    const bytes = tokenizer.tokenBytes()!;
    // Tokens that make up the stop texts, halves of their characters among them, and some that have no text at all.
    const letters = new Set(new TextEncoder().encode('\n.Q uestion:abé漢'));
    const useful = bytes.flatMap((text, id) => (text.every((byte) => letters.has(byte)) ? [id] : []));
    assert.ok(useful.some((id) => bytes[id]!.length === 0) && useful.length > 25);
    // Ids behind the last one are there where a model's output layer is wider than its vocabulary.
    const token = fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...useful) },
      { weight: 2, arbitrary: fc.constantFrom(bytes.length, bytes.length + 5) },
      { weight: 1, arbitrary: fc.nat(bytes.length) },
    );
    const pieces = fc
      .constantFrom(...STOPS.flat())
      .chain((text) =>
        fc
          .nat(text.length)
          .map((cut) => [text.slice(0, cut), text.slice(cut)].flatMap((part) => tokenizer.encode(part))),
      );
    const sequence = fc.array(
      fc.oneof(
        token.map((id) => [id]),
        pieces,
      ),
      { minLength: 1, maxLength: 25 },
    );
    let ended = 0;
    const property = fc.property(sequence, fc.constantFrom(...STOPS), (parts, stop) => {
      ended += Number(assertFollows(tokenizer, parts.flat(), stop));
    });
    fc.assert(property, { numRuns: 1500 });
    assert.ok(ended > 300, `only ${ended} sequences had a stop text, so this shows little`);
  });

  test('a text that is no whole characters is left to the cut', async () => {
    const tokenizer = await byteLevel();
    assert.equal(stopPatternOf(tokenizer, ['a\uFFFD']), undefined);
    assert.equal(stopPatternOf(tokenizer, ['a\uD800']), undefined);
    assert.equal(stopPatternOf(tokenizer), undefined);
  });

  test('so is every text of a tokenizer whose tokens do not simply follow each other', () => {
    const tokenizer = createTokenizer({
      model: { type: 'WordPiece', vocab: { '[UNK]': 0, a: 1, '##b': 2 }, unk_token: '[UNK]' },
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      added_tokens: [],
      decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    });
    assert.equal(tokenizer.decode([1, 1, 2]), 'a ab');
    assert.equal(stopPatternOf(tokenizer, ['ab']), undefined);
  });
});

let real: string | undefined;
try {
  real = modelFolder('smollm2-135m');
} catch {
  real = undefined;
}
const skip = real ? false : 'smollm2-135m is not on this machine: `npx r-zero model get smollm2-135m` (93 MB)';

test('the tokenizer of SmolLM2 is followed over borders of its tokens', { skip }, async () => {
  const tokenizer = await loadTokenizer(real!);
  const text = 'She has 30 pens.\n\nQuestion: What is 7 + 8?\nAnswer: 15. \\boxed{15}<question>é漢🎉</question>\n```';
  const whole = tokenizer.encode(text);
  const size = tokenizer.vocabSize;
  let across = 0;
  const token = fc.oneof(fc.constantFrom(...whole), fc.nat(size - 1));
  const stretch = fc
    .tuple(fc.nat(text.length), fc.nat(12))
    .map(([start, length]) => text.slice(start, start + length + 1));
  const wellFormed = stretch.filter((part) => part !== '' && !/[\uD800-\uDFFF]/.test(part));
  const property = fc.property(
    fc.array(wellFormed, { minLength: 1, maxLength: 3 }),
    fc.array(token),
    (stop, before) => {
      assert.ok(assertFollows(tokenizer, [...before, ...whole], stop));
      across += Number(stop.every((part) => !whole.some((id) => tokenizer.decode([id]).includes(part))));
    },
  );
  fc.assert(property, { numRuns: 60 });
  assert.ok(across > 20, `only ${across} times every stop text spanned tokens`);
});

test('an engine that ends sequences itself gives what cutting afterwards gives, and generates less', async (t) => {
  const tokenizer = await loadTokenizer(BASE);
  const engine = createLocalEngine();
  t.after(() => engine.close());
  const lease = await engine.open({ path: BASE });
  const prompts = Array.from({ length: 48 }, (_, index) => ({
    prompt: [{ text: '<bos>Q:5+3+3+1=?\nA:' }],
    seed: index.toString(16).padStart(16, '0'),
  }));
  const params = { maxTokens: 20, temperature: 1 };
  for (const stop of [[','], ['8,1', '}'], ['1,\\boxed{1', '0']]) {
    const run = async (early: boolean) => {
      let generated = 0;
      const watched: ModelLease = {
        ...lease,
        sample: async ({ params: { stopPattern, ...others }, ...request }, options) => {
          assert.ok(stopPattern);
          const asked = { ...request, params: { ...others, ...(early ? { stopPattern } : {}) } };
          const completions = await lease.sample(asked, options);
          generated += completions.reduce((sum, { tokens }) => sum + tokens.length, 0);
          return completions;
        },
      };
      const texts = await sampleTexts(watched, tokenizer, prompts, { ...params, stop }, 48, {});
      return { texts, generated };
    };
    const [early, late] = [await run(true), await run(false)];
    assert.ok(early.generated < 0.9 * late.generated, `${early.generated} of ${late.generated} tokens`);
    assert.equal(early.texts.length, late.texts.length);
    for (const [index, { logprobs, ...sample }] of early.texts.entries()) {
      const { logprobs: expected, ...other } = late.texts[index]!;
      assert.deepEqual(sample, other);
      // A batch that shrinks earlier sums in another order.
      expected.forEach((value, place) => assert.ok(Math.abs(logprobs[place]! - value) < 1e-5));
    }
    assert.ok(late.texts.some(({ finishReason, text }) => finishReason === 'stop' && text !== ''));
  }
});
