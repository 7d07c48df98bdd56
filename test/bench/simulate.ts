/**
 * `npm run simulate -- --preset paper`: what orchestration and storage cost. Runs at the paper's size go through real servers,
 * workflows and activities; only the engine is a double that answers at once.
 *
 * Options: `--preset paper|small`, `--runs 10` (at once, two waves of them), `--answer-tokens 400`, `--json` (the last line is one object).
 * The exit code is 1 when a limit of the paper's size is broken.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { destroyStack } from '../../infra/dev-stack/index.ts';
import { installTelemetry } from '../../infra/telemetry/runtime.ts';
import { simulate } from '../support/simulation.ts';
import type { Simulation } from '../support/simulation.ts';
import { PAPER, SMALL } from './simulate-sizes.ts';

const LIMITS = {
  minutes: 10,
  events: 2_000,
  historyBytes: 1_000_000,
  resultBytes: 2_048,
  lockWaitSeconds: 1,
  heapGrowth: 1.1,
};

const { values: options } = parseArgs({
  options: {
    preset: { type: 'string' },
    runs: { type: 'string', default: '1' },
    'answer-tokens': { type: 'string', default: '400' },
    json: { type: 'boolean', default: false },
  },
});

function wholeNumber(name: 'runs' | 'answer-tokens', most: number): number {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} must be a whole number from 1 to ${most}, not ${options[name]}.`);
}

/** Many runs at once are smaller each, unless a size is asked for. */
function inputOf(runs: number): typeof PAPER {
  const name = options.preset ?? (runs > 1 ? 'small' : 'paper');
  if (name === 'paper') return PAPER;
  if (name === 'small') return SMALL;
  throw new Error(`--preset must be paper or small, not ${name}.`);
}

const say = (line: string): void => console.error(line);
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function render(simulation: Simulation, runs: number): string[] {
  const { histories, phases, tables } = simulation;
  const width = 28;
  const row = (name: string, value: string): string => `  ${name.padEnd(width)} ${value}`;
  return [
    row('wall time', `${(simulation.seconds / 60).toFixed(2)} min`),
    row('processor time, this process', `${simulation.processorSeconds.toFixed(0)} s`),
    row('rows', `${simulation.rows} (${(simulation.rows / simulation.seconds).toFixed(0)} per second)`),
    ...Object.entries(tables)
      .filter(([, rows]) => rows >= 100)
      .map(([table, rows]) => row(`  ${table}`, String(rows))),
    row('database', megabytes(simulation.databaseBytes)),
    row('peak memory, this process', megabytes(simulation.peakMemoryBytes)),
    ...Object.entries(phases).map(([phase, seconds]) => row(`  ${phase}`, `${seconds.toFixed(1)} s`)),
    ...histories.workflows
      .slice(0, 3)
      .map(({ workflowId, events, bytes }) => row(workflowId, `${events} events, ${(bytes / 1e3).toFixed(1)} kB`)),
    row('largest activity result', `${histories.largestResultBytes} bytes`),
    row('largest payload', `${histories.largestPayloadBytes} bytes`),
    row('longest block of the loop', `${simulation.longestBlockSeconds.toFixed(2)} s`),
    row('longest wait for a lock', `${simulation.longestLockWaitSeconds.toFixed(2)} s`),
    ...(runs > 1
      ? [
          row('largest lead of a run', `${simulation.largestLead} units`),
          row('last end / first end', simulation.spread.toFixed(2)),
          row('heap after each wave', simulation.heapBytes.map(megabytes).join(', ')),
        ]
      : []),
  ];
}

/** Of the last wave over the one before. */
function growth(heaps: readonly number[]): number {
  const [before = 1, last = 1] = heaps.slice(-2);
  return heaps.length < 2 ? 1 : last / before;
}

function broken(simulation: Simulation): string[] {
  const { histories } = simulation;
  const largest = (read: (size: { events: number; bytes: number }) => number): number =>
    Math.max(...histories.workflows.map(read));
  const found: [string, number, number][] = [
    ['minutes', simulation.seconds / 60, LIMITS.minutes],
    ['events', largest(({ events }) => events), LIMITS.events],
    ['history bytes', largest(({ bytes }) => bytes), LIMITS.historyBytes],
    ['bytes of a result', histories.largestResultBytes, LIMITS.resultBytes],
    ['times the heap of the wave before', growth(simulation.heapBytes), LIMITS.heapGrowth],
    ['seconds of waiting for a lock', simulation.longestLockWaitSeconds, LIMITS.lockWaitSeconds],
  ];
  return found
    .filter(([, value, limit]) => value > limit)
    .map(([name, value, limit]) => `${name}: ${value.toFixed(1)}, the limit is ${limit}`);
}

const runs = wholeNumber('runs', 100);
const input = inputOf(runs);
const answerTokens = wholeNumber('answer-tokens', 4_000);
// Of one wave alone nobody could say what it leaves behind.
const waves = runs > 1 ? 2 : 1;
const dataDir = mkdtempSync(join(tmpdir(), 'r-zero-simulate-'));
installTelemetry({ logLevel: 'ERROR' });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void destroyStack(dataDir).finally(() => process.exit(1)));
}
try {
  const simulation = await simulate({ dataDir, input, runs, waves, answerTokens, onProgress: say });
  for (const line of render(simulation, runs)) console.log(line);
  const faults = broken(simulation);
  for (const fault of faults) console.log(`  over the limit: ${fault}`);
  if (options.json) {
    const { workflows, largestPayloadBytes } = simulation.histories;
    console.log(
      JSON.stringify({
        ...simulation,
        minutes: simulation.seconds / 60,
        events: workflows.reduce((sum, { events }) => sum + events, 0),
        historyBytes: workflows.reduce((sum, { bytes }) => sum + bytes, 0),
        rowsPerSecond: simulation.rows / simulation.seconds,
        largestPayloadBytes,
        withinLimits: faults.length === 0,
      }),
    );
  }
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
// The native runtime keeps the loop alive.
process.exit();
