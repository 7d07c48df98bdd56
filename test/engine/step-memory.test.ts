/** What tracing a model and its first optimizer steps leave in memory. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { collectGarbage } from '../../activities/engine/collect-garbage.ts';
import { ENGINE_ENVIRONMENT } from '../../activities/engine/environment.ts';
import { executorOf } from '../../activities/engine/execution.ts';
import { disposeModel } from '../../activities/engine/weights.ts';
import { DEMO, makeModel, runtime, temporaryFolder } from './support/models.ts';

const MIB = 2 ** 20;

test('tracing a model leaves no garbage behind', async (t) => {
  const model = await makeModel({ ...DEMO, layers: 12 });
  if (!model.runtime.graphs) return t.skip('nothing is traced without the native library');
  const cache = process.env['R_ZERO_CACHE'];
  t.after(() => {
    if (cache === undefined) delete process.env['R_ZERO_CACHE'];
    else process.env['R_ZERO_CACHE'] = cache;
  });
  process.env['R_ZERO_CACHE'] = await temporaryFolder(t);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  executorOf(model);
  const more = Math.round((process.memoryUsage().heapUsed - before) / MIB);
  t.diagnostic(`${more} MiB`);
  assert.ok(more < 16, `${more} MiB more in JavaScript's heap`);
  disposeModel(model);
});

test('the first steps leave two moments of each weight in memory, and nothing else of that size', async (t) => {
  const { description } = await runtime();
  if (process.platform !== 'linux' || description.backend !== 'tensorflow-cpu')
    return t.skip('needs Linux and a processor');
  // A process as the engine starts it: with the libraries' own pools memory tells nothing.
  const script = fileURLToPath(new URL('support/first-steps.ts', import.meta.url));
  const env = { ...process.env, ...ENGINE_ENVIRONMENT };
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], { env });
  const copies = Number(stdout);
  t.diagnostic(`${copies.toFixed(2)} times the weights`);
  assert.ok(copies > 1.9 && copies < 2.6, `${copies} times the weights`);
});
