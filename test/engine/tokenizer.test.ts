import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { createTokenizer, loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { temporaryFolder } from './support/models.ts';

const SPECIAL = ['<pad>', '<bos>', '<eos>'];
const PLAIN = ['a', 'b', ' ', '<tag>'];
const added = [...SPECIAL, '<tag>'];

const definition = {
  version: '1.0',
  added_tokens: added.map((content) => ({
    id: [...SPECIAL, ...PLAIN].indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: SPECIAL.includes(content),
  })),
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: 'Fuse' },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries([...SPECIAL, ...PLAIN].map((token, id) => [token, id])),
    merges: [],
    unk_token: null,
    fuse_unk: false,
    byte_fallback: false,
  },
};
const config = { bos_token: '<bos>', eos_token: { content: '<eos>' } };

test('text goes through the tokenizer and back unchanged', () => {
  const tokenizer = createTokenizer(definition, config);
  const text = fc.array(fc.constantFrom(...PLAIN), { maxLength: 20 }).map((parts) => parts.join(''));
  fc.assert(fc.property(text, (text) => assert.equal(tokenizer.decode(tokenizer.encode(text)), text)));
});

test('special tokens are read from the text, added never, and written only on request', () => {
  const tokenizer = createTokenizer(definition, config);
  assert.deepEqual(tokenizer.encode('<bos>ab<tag>'), [1, 3, 4, 6]);
  assert.deepEqual(tokenizer.encode('ab'), [3, 4]);
  assert.equal(tokenizer.decode([1, 3, 6, 2]), 'a<tag>');
  assert.equal(tokenizer.decode([1, 3, 6, 2], { keepSpecial: true }), '<bos>a<tag><eos>');
});

test('named tokens are found, and the end token pads when no pad token is named', () => {
  const tokenizer = createTokenizer(definition, config);
  assert.deepEqual([tokenizer.bosId, tokenizer.eosId, tokenizer.padId], [1, 2, 2]);
  assert.equal(createTokenizer(definition, { pad_token: '<pad>' }).padId, 0);
  assert.equal(createTokenizer(definition).eosId, undefined);
  assert.deepEqual([tokenizer.idOf('<tag>'), tokenizer.idOf('zz'), tokenizer.vocabSize], [6, undefined, 7]);
});

test('an empty list and ids beyond the vocabulary decode to nothing', () => {
  const tokenizer = createTokenizer(definition, config);
  assert.equal(tokenizer.decode([]), '');
  assert.equal(tokenizer.decode([99]), '');
  assert.equal(tokenizer.decode([3, 99, 4]), 'ab');
});

test('text that the tokenizer cannot express never becomes an id that is no number', () => {
  // BPE without an unknown token drops the character, as the reference implementation does; other models have no way out.
  assert.deepEqual(createTokenizer(definition, config).encode('aXb'), [3, 4]);
  const words = { ...definition, added_tokens: [], model: { type: 'WordLevel', vocab: { a: 0 } } };
  assert.deepEqual(createTokenizer(words).encode('a'), [0]);
  assert.throws(() => createTokenizer(words).encode('X'), { code: 'EngineRequestInvalid', field: 'text' });
});

test('a definition that makes no sense only when text is encoded by it is refused with a code then', () => {
  let content: unknown = [];
  for (let depth = 0; depth < 20_000; depth++) content = [content];
  const normalizer = { type: 'Replace', pattern: { String: 'a' }, content };
  const tokenizer = createTokenizer({ ...definition, normalizer }, config);
  assert.throws(() => tokenizer.encode('ab'), { code: 'TokenizerUnreadable', message: /is not understood/ });
});

test('a folder without a readable tokenizer is refused', async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(loadTokenizer(folder), { code: 'TokenizerUnreadable' });
  for (const text of ['{', '[]', '3', '{"model": {"type": "Unheard"}}']) {
    await writeFile(join(folder, 'tokenizer.json'), text);
    await assert.rejects(loadTokenizer(folder), { code: 'TokenizerUnreadable' }, text);
  }
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(definition));
  assert.equal((await loadTokenizer(folder)).vocabSize, 7);
  await writeFile(join(folder, 'tokenizer_config.json'), '{');
  await assert.rejects(loadTokenizer(folder), { code: 'TokenizerUnreadable' });
});
