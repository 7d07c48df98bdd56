import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PRE_TOKENIZERS } from '../../activities/engine/gguf/pre-tokenizers.ts';
import { ggufTokenizer } from '../../activities/engine/gguf/tokenizer.ts';
import { createTokenizer } from '../../activities/engine/tokenizer.ts';

interface Fixture {
  tokens: string[];
  merges: string[];
  strings: string[];
  /** By the name of the pre-tokenizer. */
  ids: Record<string, number[][]>;
}

const fixture = JSON.parse(
  await readFile(fileURLToPath(new URL('fixtures/tokenizers.json', import.meta.url)), 'utf8'),
) as Fixture;

for (const [pre, ids] of Object.entries(fixture.ids)) {
  test(`text is cut as the Rust tokenizers cut it for ${pre} models`, () => {
    const { definition, config } = ggufTokenizer(
      new Map<string, string | string[] | number[]>([
        ['tokenizer.ggml.model', 'gpt2'],
        ['tokenizer.ggml.pre', pre],
        ['tokenizer.ggml.tokens', fixture.tokens],
        ['tokenizer.ggml.token_type', fixture.tokens.map(() => 1)],
        ['tokenizer.ggml.merges', fixture.merges],
      ]),
    );
    const tokenizer = createTokenizer(definition, config);
    for (const [index, text] of fixture.strings.entries()) {
      assert.deepEqual(tokenizer.encode(text), ids[index], JSON.stringify(text));
      assert.equal(tokenizer.decode(ids[index]!), pre === 'qwen2' ? text.normalize('NFC') : text);
    }
  });
}

test('every way of cutting is compared with the Rust tokenizers', () => {
  const compared = new Set(Object.keys(fixture.ids).map((pre) => PRE_TOKENIZERS.get(pre)));
  for (const [pre, scheme] of PRE_TOKENIZERS) assert.ok(compared.has(scheme), pre);
});
