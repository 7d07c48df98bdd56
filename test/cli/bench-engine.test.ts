import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatEngineBench } from '../../infra/cli/bench-engine.ts';
import type { EngineBench } from '../../infra/cli/bench-engine.ts';
import { temporaryFolder } from '../engine/support/models.ts';

const COMMAND = fileURLToPath(new URL('../../infra/setup/r-zero.mjs', import.meta.url));

function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, [COMMAND, 'bench', 'engine', ...args], (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    ),
  );
}

describe('r-zero bench engine', () => {
  test('measures the built-in model on this machine, in about the time that it was given', async () => {
    const started = performance.now();
    const { code, out, err } = await run('--seconds', '2', '--json');
    assert.equal(code, 0, err);
    assert.ok(performance.now() - started < 120_000);
    const report = JSON.parse(out) as EngineBench;
    assert.equal(report.parameters, 102_464);
    assert.equal(report.engine.engine, 'tfjs');
    assert.ok(report.engine.threads >= 1);
    assert.deepEqual(Object.keys(report.tokensPerSecond), [
      'prefill',
      'decodeB1',
      'decodeB16',
      'decodeB64',
      'score',
      'train',
    ]);
    for (const [stage, rate] of Object.entries(report.tokensPerSecond)) {
      assert.ok(Number.isFinite(rate) && rate > 1, `${stage}: ${rate}`);
      const { sequences, tokens } = report.shapes[stage as keyof EngineBench['shapes']];
      assert.ok(sequences * tokens > 0, stage);
    }
    // A step serves all sequences of a batch: far less than the 64-fold time, wherever it runs.
    assert.ok(report.tokensPerSecond.decodeB64 > 2 * report.tokensPerSecond.decodeB1);
    // The weights in float32, their gradients and two moments.
    assert.ok(report.peakMemoryBytes > 4 * 4 * report.parameters);
    assert.ok(report.openSeconds > 0);
    const text = formatEngineBench(report).join('\n');
    for (const word of ['102,464 parameters', 'decode, batch 16', 'tokens/s', report.engine.device, 'Peak memory']) {
      assert.ok(text.includes(word), word);
    }
  });

  test('a model that is not there, a file, and a time out of range are refused with what to do', async (t) => {
    const absent = await run('--model', 'no-such-model');
    assert.equal(absent.code, 1);
    assert.match(absent.err, /ModelUnreadable.*\n.*field: model\n.*fix: /s);
    const folder = await temporaryFolder(t);
    const file = await run('--model', fileURLToPath(import.meta.url));
    assert.equal(file.code, 1);
    assert.match(file.err, /ModelUnreadable.*r-zero model import/s);
    const empty = await run('--model', join(folder));
    assert.equal(empty.code, 1);
    assert.match(empty.err, /ModelUnreadable/);
    const never = await run('--seconds', '0');
    assert.equal(never.code, 2);
    assert.match(never.err, /from 1 to 3600/);
  });
});
