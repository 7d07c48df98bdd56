/**
 * One side of `demo-engine.ts`: makes the recorded calls, one for each line it is sent, and answers with processor seconds
 * of this process and seconds on the clock. How models are run is chosen by the environment, and whose engine runs them by the
 * third argument, the folder of a checkout.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { deserialize } from 'node:v8';
import type { createLocalEngine as CreateLocalEngine } from '../../activities/engine/index.ts';
import { replayer } from './demo-calls.ts';
import type { EngineCall } from './demo-calls.ts';

const here = fileURLToPath(new URL('../..', import.meta.url));
const [file = '', threads = '', checkout = here] = process.argv.slice(2);
const module = pathToFileURL(join(checkout, 'activities/engine/index.ts')).href;
const { createLocalEngine } = (await import(module)) as { createLocalEngine: typeof CreateLocalEngine };
const calls = deserialize(readFileSync(file)) as EngineCall[];
const base = join(here, 'activities/engine/base-model');
const folder = mkdtempSync(join(tmpdir(), 'r-zero-bench-side-'));
const options = threads === '' ? {} : { threads: Number(threads) };
const engine = createLocalEngine(options);
const make = replayer(engine, base, join(folder, 'checkpoints'), options);

process.stdout.write(`${JSON.stringify({ calls: calls.length })}\n`);
try {
  for await (const line of createInterface({ input: process.stdin })) {
    const from = process.cpuUsage();
    const started = performance.now();
    const tokens = await make(calls[Number(line)] as EngineCall);
    const { user, system } = process.cpuUsage(from);
    const wall = (performance.now() - started) / 1000;
    process.stdout.write(`${JSON.stringify({ cpu: (user + system) / 1e6, wall, tokens })}\n`);
  }
  process.stdout.write(`${JSON.stringify({ described: await engine.describe(options) })}\n`);
} finally {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
}
