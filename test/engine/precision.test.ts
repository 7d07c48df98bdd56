import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type * as tfc from '@tensorflow/tfjs-core';
import { createGraphPool } from '../../activities/engine/graph/pool.ts';
import { traceProgram } from '../../activities/engine/graph/program.ts';
import { assertPrecision, preparePrecision, wantedPrecision } from '../../activities/engine/precision.ts';
import { scoreCompletions } from '../../activities/engine/rollouts.ts';
import { sampleCompletions } from '../../activities/engine/sampler.ts';
import type { NativeBackend } from '../../activities/engine/tensorflow.ts';
import type { Model } from '../../activities/engine/weights.ts';
import { DEMO, TINY, makeModel, runtime, seedOf } from './support/models.ts';
import { distance, numbersOf } from './support/scores-and-gradients.ts';

/** The plain JavaScript library: tracing needs no native one. */
const plain = createRequire(import.meta.url)('@tensorflow/tfjs') as typeof tfc;

test('in bfloat16 every product of a traced model is rounded, and nothing else is', async () => {
  await plain.setBackend('cpu');
  const typesOf = (precision: 'float32' | 'bfloat16') => {
    const { nodes } = traceProgram(plain, TINY, { denseLoss: false, precision });
    return nodes
      .filter(({ op }) => !['Cast', 'Placeholder', 'Const'].includes(op))
      .flatMap(({ op, attributes: { T } }) => (T && 'type' in T ? [[op, T.type] as const] : []));
  };
  const exact = typesOf('float32');
  const rounded = typesOf('bfloat16');
  assert.ok(exact.every(([, type]) => type !== 'bfloat16'));
  assert.equal(rounded.length, exact.length);
  assert.ok(rounded.every(([op, type]) => type !== 'bfloat16' || ['MatMul', 'BatchMatMulV2'].includes(op)));
  const left = rounded.filter(([op, type]) => ['MatMul', 'BatchMatMulV2'].includes(op) && type !== 'bfloat16');
  // The entropies' sums over the vocabulary: of both forms of `score` and of the three of the GRPO loss.
  assert.equal(left.length, 5);
});

test('a bfloat16 graph scores, trains and samples as a float32 one does, within its rounding', async (t) => {
  const { graphs, ...rest } = await runtime();
  if (!graphs) return t.skip('needs the native library');
  const native = rest.tf.backend() as unknown as NativeBackend;
  const pool = createGraphPool(rest.tf, native, { deterministic: true, precision: 'bfloat16' });
  const exact = await numbersOf(await makeModel(DEMO));
  const model: Model = { ...(await makeModel(DEMO)), runtime: { ...rest, graphs: pool } };
  const rounded = await numbersOf(model);
  for (const what of ['logprobs', 'entropies', 'gradients'] as const) {
    const error = distance(rounded[what], exact[what]);
    t.diagnostic(`${what}: ${error.toExponential(1)} of their size`);
    // A bfloat16 has 8 bits: 4e-3 for each rounding.
    assert.ok(error > 1e-5 && error < 0.05, `${what}: ${error}`);
  }
  const items = Array.from({ length: 8 }, (_, index) => ({ promptTokens: [3, 4], seed: seedOf(index) }));
  const completions = await sampleCompletions(model, { items, params: { maxTokens: 6, temperature: 1 } });
  const scored = await scoreCompletions(
    model,
    completions.map(({ tokens }) => ({ promptTokens: [3, 4], completionTokens: tokens })),
  );
  completions.forEach(({ logprobs }, row) =>
    logprobs.forEach((value, i) => assert.ok(Math.abs(value - scored[row]!.logprobs[i]!) < 0.02)),
  );
});

test('float32 is asked for unless something else is, and unknown words are refused', () => {
  assert.equal(wantedPrecision(undefined, {}), 'float32');
  assert.equal(wantedPrecision(undefined, { R_ZERO_ENGINE_PRECISION: 'tf32' }), 'tf32');
  assert.equal(wantedPrecision('bfloat16', { R_ZERO_ENGINE_PRECISION: 'tf32' }), 'bfloat16');
  assert.throws(
    () => wantedPrecision(undefined, { R_ZERO_ENGINE_PRECISION: 'fp16' }),
    /"fp16".*float32, tf32, bfloat16/,
  );
});

test('TF32 is forbidden to the GPU unless it is asked for, and not asked for where it is forbidden', () => {
  for (const precision of ['float32', 'bfloat16'] as const) {
    const environment: NodeJS.ProcessEnv = { NVIDIA_TF32_OVERRIDE: '1' };
    preparePrecision(precision, environment);
    assert.equal(environment['NVIDIA_TF32_OVERRIDE'], '0');
  }
  const open: NodeJS.ProcessEnv = {};
  preparePrecision('tf32', open);
  assert.deepEqual(open, {});
  assert.throws(() => preparePrecision('tf32', { NVIDIA_TF32_OVERRIDE: '0' }), { code: 'EngineUnavailable' });
});

test('what a machine does not offer is refused, not ignored', () => {
  const refuses = (precision: 'tf32' | 'bfloat16', runs: { cuda: boolean; traced: boolean }, message: RegExp) =>
    assert.throws(() => assertPrecision(precision, runs), { code: 'EngineUnavailable', message });
  refuses('bfloat16', { cuda: false, traced: true }, /NVIDIA GPUs.*R_ZERO_ENGINE_PRECISION/);
  refuses('tf32', { cuda: false, traced: false }, /NVIDIA GPUs/);
  refuses('bfloat16', { cuda: true, traced: false }, /traced/);
  assertPrecision('bfloat16', { cuda: true, traced: true });
  assertPrecision('tf32', { cuda: true, traced: false });
  assertPrecision('float32', { cuda: false, traced: false });
});

/** What a process says that starts an engine. */
async function started(environment: Record<string, string>): Promise<string> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const file = fileURLToPath(new URL('../../activities/engine/tensorflow.ts', import.meta.url));
  const program = `const { loadRuntime } = await import(${JSON.stringify(file)});
      await loadRuntime().then(() => console.log('started'), (error) => console.log(error.code, error.message));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { env: { ...env, ...environment } },
  );
  return stdout;
}

for (const tensorflow of ['cpu', 'wasm']) {
  test(`an engine on ${tensorflow} that is asked for bfloat16 does not start`, async () => {
    assert.match(
      await started({ R_ZERO_TENSORFLOW: tensorflow, R_ZERO_ENGINE_PRECISION: 'bfloat16' }),
      /^EngineUnavailable .*bfloat16 is for NVIDIA GPUs/,
    );
  });
}

test('an engine that is asked for a GPU and sees none does not start', async () => {
  assert.match(
    await started({ R_ZERO_TENSORFLOW: 'cuda', CUDA_VISIBLE_DEVICES: '' }),
    /^EngineUnavailable .*no NVIDIA GPU.*CUDA_VISIBLE_DEVICES/,
  );
});
