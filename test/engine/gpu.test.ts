/** What holds on an NVIDIA GPU; skipped where set-up has found none. The rest of this folder runs there, too. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onGpu } from './support/gpu.ts';
import type { OnDevice } from './support/on-device.ts';
import { distance } from './support/scores-and-gradients.ts';

const skip = onGpu ? false : 'there is no NVIDIA GPU here';
const program = fileURLToPath(new URL('./support/on-device.ts', import.meta.url));
const KINDS = ['logprobs', 'entropies', 'gradients'] as const;

async function run(environment: Record<string, string>): Promise<OnDevice> {
  const { NODE_TEST_CONTEXT: _, R_ZERO_ENGINE_PRECISION: __, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], {
    env: { ...env, ...environment },
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout) as OnDevice;
}

describe('on a GPU', { skip }, () => {
  let cpu: OnDevice;
  let exact: OnDevice;
  before(async () => {
    cpu = await run({ CUDA_VISIBLE_DEVICES: '' });
    exact = await run({});
  });

  test('models run there, as traced graphs, and nothing was fallen back from', () => {
    const { backend, execution, precision, deterministic, fallbackReason } = exact.description;
    assert.deepEqual(
      { backend, execution, precision, deterministic, fallbackReason },
      {
        backend: 'tensorflow-cuda',
        execution: 'traced',
        precision: 'float32',
        deterministic: true,
        fallbackReason: undefined,
      },
    );
    assert.equal(cpu.description.backend, 'tensorflow-cpu');
  });

  test('float32 is what the processor computes, to rounding', (t) => {
    for (const what of KINDS) {
      const error = distance(exact[what], cpu[what]);
      t.diagnostic(`${what}: ${error.toExponential(1)} of their size`);
      assert.ok(error < 1e-5, `${what}: ${error}`);
    }
  });

  test('another process gets the same, bit by bit', async () => {
    assert.deepEqual(await run({}), exact);
  });

  // TF32 keeps 10 bits of an input, bfloat16 7.
  for (const [precision, least, most] of [
    ['tf32', 1e-5, 5e-3],
    ['bfloat16', 1e-4, 5e-2],
  ] as const) {
    test(`${precision} is computed in, and is as far from float32 as its rounding`, async (t) => {
      const rounded = await run({ R_ZERO_ENGINE_PRECISION: precision });
      assert.equal(rounded.description.precision, precision);
      assert.equal(rounded.description.execution, 'traced');
      for (const what of KINDS) {
        const error = distance(rounded[what], exact[what]);
        t.diagnostic(`${what}: ${error.toExponential(1)} of their size`);
        assert.ok(error > least && error < most, `${what}: ${error}`);
      }
    });
  }
});
