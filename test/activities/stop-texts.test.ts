import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../support/properties.ts';
import type { Completion } from '../../activities/engine/types.ts';
import { endAtStopText } from '../../activities/stop-texts.ts';

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

  test('what is complete first counts, of two that end together the longer: what would have followed plays no part', () => {
    const stop = ['ab\nc', 'b', '\n'];
    assert.equal(cut(['a', 'b', '\n', 'c'], stop).text, 'a');
    assert.equal(cut(['x', 'a', '\n', 'c'], stop).text, 'xa');
    assert.equal(cut(['x', 'a', 'b'], ['b', 'ab']).text, 'x');
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
