import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { fc } from '../support/properties.ts';
import { createLocalEngine } from '../../activities/engine/index.ts';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import type { Completion } from '../../activities/engine/types.ts';
import { sampleTexts } from '../../activities/sampling.ts';
import { endAtStopText, stopTokensOf } from '../../activities/stop-texts.ts';

const BASE = fileURLToPath(new URL('../../activities/engine/base-model', import.meta.url));

/** Token i is the i-th piece, as bytes: a piece may hold a part of a character. */
function tokenizerOf(pieces: readonly (string | Uint8Array)[]) {
  const bytes = (ids: readonly number[]) => ids.map((id) => Buffer.from(pieces[id] as string));
  return { decode: (ids: readonly number[]) => Buffer.concat(bytes(ids)).toString('utf8') };
}

const completionOf = (pieces: readonly unknown[], finishReason: Completion['finishReason'] = 'length'): Completion => ({
  tokens: pieces.map((_, id) => id),
  logprobs: pieces.map((_, id) => -id),
  finishReason,
});

const cut = (pieces: readonly (string | Uint8Array)[], stop: readonly string[]) =>
  endAtStopText(tokenizerOf(pieces), completionOf(pieces), stop);

describe('an answer ends before the first stop text', () => {
  test('at a token’s boundary nothing of the stop text is kept', () => {
    const { text, tokens, logprobs, finishReason } = cut(['4', '2', '\n', '\n', 'Q', ':'], ['\n\nQ:']);
    assert.deepEqual(
      { text, tokens, logprobs, finishReason },
      { text: '42', tokens: [0, 1], logprobs: [-0, -1], finishReason: 'stop' },
    );
  });

  test('a token that holds the end of the answer and the beginning of the stop text stays, its text is cut', () => {
    const { text, tokens } = cut(['\\boxed{4', '}\n\n', 'Q:'], ['\n\nQ:']);
    assert.deepEqual({ text, tokens }, { text: '\\boxed{4}', tokens: [0, 1] });
  });

  test('the earliest of several counts, whatever their order', () => {
    for (const stop of [
      ['\n', 'B'],
      ['B', '\n'],
    ])
      assert.equal(cut(['a', 'B', '\n', 'c'], stop).text, 'a');
  });

  test('a stop text that is only begun does not end it, and a completion without one is left as it is', () => {
    const pieces = ['4', '\n', '\n'];
    assert.deepEqual(cut(pieces, ['\n\nQ:']), { ...completionOf(pieces), text: '4\n\n' });
    assert.deepEqual(endAtStopText(tokenizerOf(pieces), completionOf(pieces)), {
      ...completionOf(pieces),
      text: '4\n\n',
    });
  });

  test('an answer of nothing keeps one token, which can be trained on', () => {
    assert.deepEqual(cut(['\n', 'Q'], ['\n']).tokens, [0]);
    assert.equal(cut(['\n', 'Q'], ['\n']).text, '');
  });

  test('a character in two tokens is kept whole', () => {
    const [first, second] = [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)];
    const { text, tokens } = cut(['a', first, second, '\n', 'b'], ['\n']);
    assert.deepEqual({ text, tokens }, { text: 'aé', tokens: [0, 1, 2] });
  });

  test('the kept tokens are the fewest that hold the text, and none begins after it', () => {
    const piece = fc.stringMatching(/^[ab\n]{1,3}$/);
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 40 }),
        fc.constantFrom('\n', 'ab', '\n\na'),
        (pieces, stop) => {
          const { text, tokens } = cut(pieces, [stop]);
          const whole = pieces.join('');
          const at = whole.indexOf(stop);
          assert.equal(text, at < 0 ? whole : whole.slice(0, at));
          const before = pieces.slice(0, tokens.length - 1).join('');
          assert.ok(tokens.length === 1 || before.length < text.length || at < 0);
          assert.ok(pieces.slice(0, tokens.length).join('').startsWith(text));
        },
      ),
    );
  });
});

test('stopping early at a token changes nothing of the result', async () => {
  const tokenizer = await loadTokenizer(BASE);
  const engine = createLocalEngine();
  const lease = await engine.open({ path: BASE });
  // A comma ends each step of a worked sum, and is a token of its own.
  const stop = [','];
  const early = stopTokensOf(tokenizer, stop);
  assert.equal(early.length, 1);
  const prompts = Array.from({ length: 32 }, (_, index) => ({
    prompt: [{ text: '<bos>Q:5+3+3+1=?\nA:' }],
    seed: index.toString(16).padStart(16, '0'),
  }));
  const params = { maxTokens: 20, temperature: 1 };
  const sample = (more: object) => sampleTexts(lease, tokenizer, prompts, { ...params, ...more }, 32, {});
  const late = await sample({ stop });
  const tidy = (texts: Awaited<typeof late>) =>
    texts.map(({ text, tokens, finishReason }) => ({ text, tokens, finishReason }));
  const eos = tokenizer.eosId as number;
  assert.deepEqual(tidy(await sample({ stop, stopTokens: [eos, ...early] })), tidy(late));
  assert.ok(
    late.some(({ text, finishReason, tokens }) => finishReason === 'stop' && tokens.at(-1) !== eos && text !== ''),
  );
  assert.ok(late.every(({ text, tokens, logprobs }) => !text.includes(',') && tokens.length === logprobs.length));
  const whole = await sample({});
  assert.ok(
    whole.some(({ text }) => text.includes(',')),
    'the model does write commas',
  );
  for (const [index, { text, tokens, logprobs }] of late.entries()) {
    assert.ok(whole[index]!.text.startsWith(text));
    assert.deepEqual(tokens, whole[index]!.tokens.slice(0, tokens.length));
    assert.deepEqual(logprobs, whole[index]!.logprobs.slice(0, tokens.length));
  }
  await lease.close();
  await engine.close();
});

test('only a text that is exactly one token can stop an engine', async () => {
  const tokenizer = await loadTokenizer(BASE);
  assert.deepEqual(stopTokensOf(tokenizer, ['\n', ',', '\nQ:', 'é']), [tokenizer.idOf('\n'), tokenizer.idOf(',')]);
  assert.deepEqual(stopTokensOf(tokenizer), []);
});
