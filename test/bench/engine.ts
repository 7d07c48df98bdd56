/**
 * `npm run bench:engine`: the traced engine beside its eager form and, where a Python with PyTorch is named, beside the
 * same model in PyTorch. Rounds take turns, and the medians of processor time are compared, because a shared machine makes
 * clock times meaningless.
 *
 * Options: `--shapes 40m,135m`, `--cases train,decodeB1`, `--rounds 5`, `--threads 2`, `--python PATH`, `--no-eager`, `--json` (the last line is one
 * object).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ENGINE_ENVIRONMENT } from '../../activities/engine/environment.ts';

const { values: options } = parseArgs({
  options: {
    shapes: { type: 'string', default: '40m' },
    cases: { type: 'string', default: 'train,decodeB1,decodeB16,decodeB64' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    python: { type: 'string', default: process.env['R_ZERO_BENCH_PYTHON'] ?? '' },
    eager: { type: 'boolean', default: true },
    json: { type: 'boolean', default: false },
  },
  allowNegative: true,
});

const CASES = [
  { name: 'train', command: 'train 4 128' },
  { name: 'decodeB1', command: 'decode 1 64 32' },
  { name: 'decodeB16', command: 'decode 16 64 32' },
  { name: 'decodeB64', command: 'decode 64 64 16' },
] as const;

interface Answer {
  cpu: number;
  wall: number;
  maxRss?: number;
}

interface Side {
  ask(command: string): Promise<Answer>;
  description: string;
  close(): void;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

async function start(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Side> {
  const child: ChildProcess = spawn(command, args, {
    env: { ...process.env, OMP_WAIT_POLICY: 'passive', KMP_BLOCKTIME: '0', ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ended with code ${child.exitCode}`);
    return JSON.parse(value) as T;
  };
  const { ready } = await next<{ ready: Record<string, string> }>();
  return {
    description: [ready['backend'], ready['backendVersion'], ready['execution']].filter(Boolean).join(' '),
    ask: (line) => {
      child.stdin!.write(`${line}\n`);
      return next<Answer>();
    },
    close: () => child.stdin!.end(),
  };
}

function engine(shape: string, env: Record<string, string>): Promise<Side> {
  return start(process.execPath, ['--import', 'tsx', here('engine-worker.ts'), shape, options.threads], {
    ...ENGINE_ENVIRONMENT,
    ...env,
  });
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
const round = (value: number): number => Number(value.toPrecision(4));

async function compare(shape: string): Promise<Record<string, number | string>> {
  const result: Record<string, number | string> = {};
  const cache = mkdtempSync(join(tmpdir(), 'r-zero-bench-'));
  try {
    const sides: Record<string, Side> = { traced: await engine(shape, { R_ZERO_CACHE: cache }) };
    if (options.eager) sides['eager'] = await engine(shape, { R_ZERO_ENGINE_EXECUTION: 'eager' });
    if (options.python) {
      sides['torch'] = await start(options.python, [here('engine-peer.py'), shape, options.threads], {});
    }
    const first = await sides['traced']!.ask('load');
    const again = await engine(shape, { R_ZERO_CACHE: cache });
    result['traceSeconds'] = round(first.wall);
    result['cachedLoadSeconds'] = round((await again.ask('load')).wall);
    again.close();
    const names = Object.keys(sides);
    process.stdout.write(`${shape}: ${names.map((name) => `${name} = ${sides[name]!.description}`).join(', ')}\n`);
    for (const { name, command } of CASES.filter((one) => options.cases.split(',').includes(one.name))) {
      const times: Record<string, number[]> = Object.fromEntries(names.map((side) => [side, []]));
      const peak: Record<string, number> = {};
      // The first round warms up.
      for (let round = 0; round <= Number(options.rounds); round++) {
        for (const side of names) {
          const answer = await sides[side]!.ask(command);
          if (round > 0) times[side]!.push(answer.cpu);
          if (answer.maxRss) peak[side] = answer.maxRss;
        }
      }
      for (const side of names) {
        const cpu = median(times[side]!);
        result[`${name} ${side} cpu ms`] = round(cpu * 1000);
        if (side !== 'traced') {
          const ratio = name === 'train' ? 'trainRatio' : `decodeRatio${name.slice('decode'.length)}`;
          result[side === 'torch' ? ratio : `${ratio}Eager`] = round(median(times['traced']!) / cpu);
        }
      }
      if (peak['torch']) result['peakMemoryRatio'] = round(peak['traced']! / peak['torch']);
      if (peak['eager']) result['peakMemoryRatioEager'] = round(peak['traced']! / peak['eager']);
    }
    for (const side of Object.values(sides)) side.close();
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
  for (const [key, value] of Object.entries(result)) process.stdout.write(`  ${key.padEnd(24)} ${value}\n`);
  return result;
}

const all: Record<string, unknown> = {};
for (const shape of options.shapes.split(',')) all[shape] = await compare(shape);
if (options.json) process.stdout.write(`${JSON.stringify(all)}\n`);
