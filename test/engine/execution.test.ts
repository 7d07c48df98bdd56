import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Numbers } from './support/numbers.ts';

const program = fileURLToPath(new URL('./support/numbers.ts', import.meta.url));

async function run(environment: Record<string, string>): Promise<Numbers> {
  const env = { ...process.env, ...environment };
  delete env['NODE_TEST_CONTEXT'];
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], {
    env,
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout) as Numbers;
}

function assertClose(actual: readonly number[], expected: readonly number[], tolerance: number, what: string): void {
  assert.equal(actual.length, expected.length, what);
  actual.forEach((value, i) => {
    const error = Math.abs(value - expected[i]!);
    assert.ok(error <= tolerance * (1 + Math.abs(expected[i]!)), `${what}[${i}]: ${value}, not ${expected[i]}`);
  });
}

let traced: Numbers;
let others: Numbers[];
before(async () => {
  traced = await run({});
  others = [await run({ R_ZERO_ENGINE_EXECUTION: 'eager' }), await run({ R_ZERO_TENSORFLOW: 'wasm' })];
});

test('each way of running says which one it is', (t) => {
  assert.deepEqual(
    others.map((numbers) => numbers.execution.replace(/^tensorflow-\w+/, 'tensorflow')),
    traced.execution.startsWith('wasm') ? ['wasm eager', 'wasm eager'] : ['tensorflow eager', 'wasm eager'],
  );
  if (traced.execution.startsWith('wasm')) t.diagnostic('no native TensorFlow here: everything ran on WebAssembly');
  else assert.match(traced.execution, /^tensorflow-\w+ traced$/);
});

test('the traced graph, eager operations and WebAssembly sample the same tokens', () => {
  for (const other of others) {
    assert.deepEqual(traced.tokens, other.tokens, other.execution);
    assertClose(traced.logprobs, other.logprobs, 2e-5, `${other.execution} logprobs`);
  }
});

test('they give the same log-probabilities, losses, gradients and updated weights', () => {
  for (const other of others) {
    for (const what of ['scores', 'metrics', 'gradients', 'weights'] as const) {
      assertClose(traced[what], other[what], 1e-4, `${other.execution} ${what}`);
    }
  }
});
