/** One measurement: a program in a process of its own, on one core, that writes what it found to a file. */
import { readFileSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { explainFailure, runCommand, succeeded } from '../../infra/setup/run-command.ts';

export interface Measurement {
  /** Processor time, which other work on the machine disturbs little. */
  seconds: number;
  wallSeconds: number;
  peakBytes: number;
}

export interface PenaltyMeasurement extends Measurement {
  labels: number[];
  penalties: number[];
}

export interface VoteMeasurement extends Measurement {
  votes: [label: string, count: number][];
}

export interface Task {
  kind: 'penalty' | 'votes';
  key: string;
  size: number;
}

export interface Program {
  command: string;
  /** Before the task. */
  before: readonly string[];
  /** After it. */
  after?: readonly string[];
}

const TIMEOUT_MS = 4 * 60 * 60_000;
const ONE_THREAD = Object.fromEntries(
  ['OMP', 'OPENBLAS', 'MKL', 'VECLIB_MAXIMUM', 'NUMEXPR'].map((name) => [`${name}_NUM_THREADS`, '1']),
);

/** Words that keep a command on one core; none where `taskset` is missing, as on macOS. */
async function pinning(): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const core = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const words = ['taskset', '--cpu-list', core];
  return succeeded(await runCommand('taskset', ['--cpu-list', core, 'true'])) ? words : [];
}

export async function measure<T extends Measurement>(program: Program, corpus: string, task: Task): Promise<T> {
  const result = join(corpus, `../${randomUUID()}.json`);
  const words = [
    ...(await pinning()),
    program.command,
    ...program.before,
    task.kind,
    corpus,
    task.key,
    String(task.size),
    result,
    ...(program.after ?? []),
  ];
  const run = await runCommand(words[0] as string, words.slice(1), {
    timeoutMs: TIMEOUT_MS,
    env: { ...process.env, ...ONE_THREAD },
  });
  if (!succeeded(run)) throw new Error(`${task.kind} of ${task.size} failed: ${explainFailure(run)}`);
  const measured = JSON.parse(readFileSync(result, 'utf8')) as T;
  rmSync(result);
  return measured;
}

/** The middle of three runs by processor time; runs of milliseconds vary. */
export async function measureThrice<T extends Measurement>(program: Program, corpus: string, task: Task): Promise<T> {
  const runs: T[] = [];
  while (runs.length < 3) runs.push(await measure<T>(program, corpus, task));
  return runs.sort((a, b) => a.seconds - b.seconds)[1] as T;
}
