/**
 * `npm run bench:demo`: engine time of the demo, traced beside operation by operation. The calls of one run are recorded
 * (`demo-calls.ts`) and made again on both sides in turns, call by call, without Temporal and Postgres.
 *
 * Options: `--seed 1`, `--iterations 3`, `--calls FILE` (keeps the recording, or takes it from there), `--sides traced,eager,eager:2`
 * (with another number of threads than the run's), `--against FOLDER` (the engine of another checkout, as one more side, on all cores),
 * `--json` (the last line is one object).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { engineEnvironment } from '../../activities/engine/environment.ts';
import type { EngineDescription } from '../../activities/engine/types.ts';
import { recordRun } from './demo-calls.ts';
import type { EngineCall } from './demo-calls.ts';

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    iterations: { type: 'string', default: '3' },
    calls: { type: 'string' },
    sides: { type: 'string', default: 'traced,eager' },
    against: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

interface Answer {
  cpu: number;
  wall: number;
  tokens: number;
}

interface Side {
  make(call: number): Promise<Answer>;
  /** Ends it and tells what it was. */
  end(): Promise<EngineDescription>;
}

/** As it is before anything here opens a model, which says in it how many threads there are. */
const ENVIRONMENT = { ...process.env };

const WORKER = fileURLToPath(new URL('demo-engine-worker.ts', import.meta.url));

async function start(
  execution: string,
  threads: number | undefined,
  file: string,
  checkout: readonly string[] = [],
): Promise<Side> {
  const child = spawn(process.execPath, ['--import', 'tsx', WORKER, file, String(threads ?? ''), ...checkout], {
    // What another checkout sets for its engine is not known here.
    env: {
      ...(checkout.length > 0 ? {} : engineEnvironment(threads)),
      ...ENVIRONMENT,
      R_ZERO_ENGINE_EXECUTION: execution,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the ${execution} side ended with code ${child.exitCode}`);
    return JSON.parse(value) as T;
  };
  await next();
  return {
    make: (call) => {
      child.stdin.write(`${call}\n`);
      return next();
    },
    end: async () => {
      child.stdin.end();
      return (await next<{ described: EngineDescription }>()).described;
    },
  };
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(60)}\r`);
}

async function record(): Promise<EngineCall[]> {
  const kept = options.calls === undefined ? undefined : resolve(options.calls);
  if (kept && existsSync(kept)) return deserialize(readFileSync(kept)) as EngineCall[];
  process.stderr.write('Recording the calls of a demo run.\n');
  const input = { seed: Number(options.seed), iterations: Number(options.iterations) };
  const calls = await recordRun(input, progress);
  progress('');
  if (kept) writeFileSync(kept, serialize(calls));
  return calls;
}

/** Of the run: what its models were opened with. */
function threadsOf(calls: readonly EngineCall[]): number | undefined {
  return calls.flatMap((call) => (call.kind === 'open' ? [call.options.threads] : []))[0];
}

const folder = mkdtempSync(join(tmpdir(), 'r-zero-bench-calls-'));
try {
  const calls = await record();
  const file = join(folder, 'calls');
  writeFileSync(file, serialize(calls));
  const names = options.sides.split(',');
  const sides = new Map<string, Side>();
  for (const name of names) {
    const [execution = '', threads] = name.split(':');
    sides.set(name, await start(execution, threads === undefined ? threadsOf(calls) : Number(threads), file));
  }
  if (options.against !== undefined) {
    names.push('against');
    sides.set('against', await start('auto', undefined, file, [resolve(options.against)]));
  }
  type Row = Record<'calls' | 'cpu' | 'wall' | 'tokens', number>;
  const totals = new Map(names.map((name) => [name, new Map<string, Row>()]));
  for (const [index, { kind }] of calls.entries()) {
    // Who goes first changes from call to call.
    for (const name of index % 2 === 0 ? names : names.toReversed()) {
      const { cpu, wall, tokens } = await (sides.get(name) as Side).make(index);
      for (const row of [index === 0 ? 'start' : kind, 'all']) {
        const rows = totals.get(name) as Map<string, Row>;
        const sum = rows.get(row) ?? { calls: 0, cpu: 0, wall: 0, tokens: 0 };
        rows.set(row, {
          calls: sum.calls + 1,
          cpu: sum.cpu + cpu,
          wall: sum.wall + wall,
          tokens: sum.tokens + tokens,
        });
      }
    }
    progress(`call ${index + 1} of ${calls.length}`);
  }
  progress('');
  const result: Record<string, unknown> = {};
  for (const name of names) {
    const { backend, backendVersion, threads, device } = await (sides.get(name) as Side).end();
    process.stdout.write(`${name}: ${backend} ${backendVersion}, threads ${threads}, ${device}\n`);
    for (const [kind, { calls: count, cpu, wall, tokens }] of totals.get(name) as Map<string, Row>) {
      process.stdout.write(
        `  ${kind.padEnd(10)} ${String(count).padStart(5)} calls ${cpu.toFixed(2).padStart(8)} s cpu ` +
          `${wall.toFixed(2).padStart(8)} s wall ${String(tokens).padStart(9)} tokens\n`,
      );
    }
    result[name] = Object.fromEntries(totals.get(name) as Map<string, Row>);
  }
  const all = (name: string): Row => totals.get(name)?.get('all') as Row;
  const [first, ...others] = names as [string, ...string[]];
  for (const other of others) {
    const ratio = (unit: 'cpu' | 'wall'): number => Number((all(other)[unit] / all(first)[unit]).toPrecision(3));
    result[`timesFasterThan ${other}`] = { cpu: ratio('cpu'), wall: ratio('wall') };
    process.stdout.write(
      `${first} is ${ratio('cpu')} times faster than ${other} in processor time, ${ratio('wall')} on the clock\n`,
    );
  }
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
