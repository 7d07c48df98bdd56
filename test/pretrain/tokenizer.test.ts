import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tokenizer } from '@huggingface/tokenizers';
import { fc } from '../support/properties.ts';
import { corpusRows } from '../../infra/pretrain/corpus.ts';
import { tokenId, tokenizerConfigJson, tokenizerJson, VOCABULARY } from '../../infra/pretrain/vocabulary.ts';

const tokenizer = new Tokenizer(tokenizerJson(), tokenizerConfigJson(64));
const encode = (text: string): number[] => tokenizer.encode(text).ids;
const decode = (ids: number[]): string => tokenizer.decode(ids, { skip_special_tokens: false });

test('the vocabulary has 28 distinct tokens', () => {
  assert.equal(VOCABULARY.length, 28);
  assert.equal(new Set(VOCABULARY).size, 28);
});

test('a Solver row and a Challenger row encode to the ids that the Rust library gives', () => {
  assert.deepEqual(
    encode('<bos>Q:5+3+3=?\nA:08,11,\\boxed{11}<eos>'),
    [1, 20, 23, 8, 13, 6, 13, 6, 16, 18, 19, 21, 23, 3, 11, 17, 4, 4, 17, 24, 4, 4, 25, 2],
  );
  assert.deepEqual(
    encode('<bos>C:<question>3+7</question>\\boxed{10}<eos>'),
    [1, 22, 23, 26, 6, 13, 10, 27, 24, 4, 3, 25, 2],
  );
});

test('text of the vocabulary survives a round trip, token by token', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...VOCABULARY), { minLength: 1, maxLength: 60 }), (tokens) => {
      const ids = encode(tokens.join(''));
      assert.deepEqual(ids, tokens.map(tokenId));
      assert.equal(decode(ids), tokens.join(''));
    }),
    { numRuns: 500 },
  );
});

test('corpus rows survive a round trip and fit into 34 tokens', () => {
  const rows = corpusRows(3);
  for (let index = 0; index < 1000; index++) {
    const { text } = rows.next().value;
    const ids = encode(text);
    assert.equal(decode(ids), text);
    assert.ok(ids.length <= 34, text);
  }
});

test('decoding hides the special tokens on request and keeps the tags', () => {
  const ids = encode('<bos>C:<question>3+7</question>\\boxed{10}<eos><pad>');
  assert.equal(tokenizer.decode(ids, { skip_special_tokens: true }), 'C:<question>3+7</question>\\boxed{10}');
});

test('characters outside the vocabulary have no token', () => {
  assert.deepEqual(encode('x5 7é'), [tokenId('5'), tokenId('7')]);
});

test('an unknown token is refused by name', () => {
  assert.throws(() => tokenId('{'), /no such token: "\{"/);
});
