/**
 * A real model against `transformers` on the same weights (fixtures/make-smollm2.py), where `r-zero model get
 * smollm2-135m` has been run. With `R_ZERO_ALL_LOGITS=<file that the script wrote>` all logits of all positions are compared.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import { sampleCompletions } from '../../activities/engine/sampler.ts';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { disposeModel } from '../../activities/engine/weights.ts';
import type { Model } from '../../activities/engine/weights.ts';
import { modelFolder } from '../../activities/model-folder.ts';
import { largestDifference, logitsOf } from './support/logits.ts';
import { runtime, seedOf } from './support/models.ts';

interface Case {
  text: string;
  tokens: number[];
  /** The 20 largest logits after the prompt: token, value. */
  top: [number, number][];
  logSumExp: number;
  /** 64 tokens. */
  greedy: number[];
}

const FIXTURE = fileURLToPath(new URL('fixtures/smollm2-135m.json', import.meta.url));
const NEW_TOKENS = 64;

function installed(): { folder: string; skip: string | false } {
  try {
    return { folder: modelFolder('smollm2-135m'), skip: false };
  } catch {
    return { folder: '', skip: 'smollm2-135m is not on this machine: `npx r-zero model get smollm2-135m` (93 MB)' };
  }
}

const { folder, skip } = installed();

describe('SmolLM2-135M', { skip }, () => {
  let model: Model;
  let cases: Case[];
  before(async () => {
    cases = JSON.parse(await readFile(FIXTURE, 'utf8')) as Case[];
    ({ model } = await loadModelFolder(await runtime(), { path: folder }));
  });
  after(() => model && disposeModel(model));

  test('has the token ids of the Rust tokenizers for every prompt', async () => {
    const tokenizer = await loadTokenizer(folder);
    for (const { text, tokens } of cases) assert.deepEqual(tokenizer.encode(text), tokens, text);
  });

  test('has the probabilities of transformers', (t) => {
    let logits = 0;
    let probabilities = 0;
    for (const { text, tokens, top, logSumExp } of cases) {
      const last = logitsOf(model, tokens).at(-1)!;
      const largest = last.reduce((a, b) => Math.max(a, b));
      const sum = Math.log(last.reduce((total, logit) => total + Math.exp(logit - largest), 0)) + largest;
      assert.equal(last.indexOf(largest), top[0]![0], text);
      for (const [token, logit] of top) {
        logits = Math.max(logits, Math.abs(last[token]! - logit));
        probabilities = Math.max(probabilities, Math.abs(Math.exp(last[token]! - sum) - Math.exp(logit - logSumExp)));
      }
    }
    t.diagnostic(`largest difference of the 20 largest logits of ${cases.length} prompts: ${logits.toExponential(1)}`);
    t.diagnostic(`largest difference of their probabilities: ${probabilities.toExponential(1)}`);
    assert.ok(logits <= 1e-3, String(logits));
    assert.ok(probabilities <= 1e-4, String(probabilities));
  });

  const all = process.env['R_ZERO_ALL_LOGITS'];
  test('has all logits of transformers', { skip: all ? false : 'R_ZERO_ALL_LOGITS names no file' }, async (t) => {
    const file = await openSafetensors(all!);
    let largest = 0;
    let count = 0;
    for (const [index, { tokens }] of cases.entries()) {
      const width = model.config.vocabSize;
      const expected = await file.read(String(index));
      const rows = tokens.map((_, row) => expected.subarray(row * width, (row + 1) * width));
      largest = Math.max(largest, largestDifference(logitsOf(model, tokens), rows));
      count += expected.length;
    }
    await file.close();
    t.diagnostic(`largest difference of ${count} logits: ${largest.toExponential(1)}`);
    assert.ok(largest <= 1e-3, String(largest));
  });

  test('continues greedily as transformers does', async (t) => {
    const completions = await sampleCompletions(model, {
      items: cases.map(({ tokens }, index) => ({ promptTokens: tokens, seed: seedOf(index) })),
      params: { maxTokens: NEW_TOKENS, temperature: 0, stopTokens: [] },
    });
    const same = completions.filter(({ tokens }, index) => tokens.join() === cases[index]!.greedy.join()).length;
    t.diagnostic(`${same} of ${cases.length} continuations of ${NEW_TOKENS} tokens are identical`);
    assert.ok(same >= cases.length - 1, `${same} of ${cases.length}`);
  });
});
