/** One side of the engine benchmark: a process that answers commands, one line each. None outlives the benchmark. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { RZeroError } from '../../activities/errors.ts';

export interface Answer {
  /** Processor seconds. */
  cpu: number;
  wall: number;
  /** Peak of the process so far, bytes. */
  maxRss?: number;
  tokens?: number;
  logprobs?: number[];
}

export interface Side {
  readonly description: string;
  ask(command: string): Promise<Answer>;
  close(): Promise<void>;
}

const KEPT_CHARACTERS = 4000;
const CLOSE_MS = 5000;
const children = new Set<ChildProcess>();

// A process that is killed itself closes their input, which ends them, too.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

export async function startSide(
  name: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Side> {
  const child = spawn(command, args, {
    // Threads that wait must not count as work.
    env: { ...process.env, OMP_WAIT_POLICY: 'passive', KMP_BLOCKTIME: '0', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.add(child);
  let errors = '';
  let started = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-KEPT_CHARACTERS)));
  // A broken pipe is the end of the process, which is reported with its reason.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`));
  }).finally(() => children.delete(child));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    const line = await lines.next();
    if (!line.done) return JSON.parse(line.value) as T;
    const how = await ended;
    throw new RZeroError('EngineCrashed', `${name} ${how}: ${lastLine(errors)}`, {
      fix: started
        ? 'Free some memory, or run fewer `--models` or `--cases`.'
        : 'Without `--python` the benchmark prepares a Python of its own that has what is needed.',
    });
  };
  const { ready } = await next<{ ready: Record<string, string> }>();
  started = true;
  return {
    description: [ready['backend'], ready['backendVersion'], ready['execution']].filter(Boolean).join(' '),
    ask: (line) => {
      child.stdin.write(`${line}\n`);
      return next<Answer>();
    },
    close: async () => {
      child.stdin.end();
      await Promise.race([ended, sleep(CLOSE_MS, undefined, { ref: false })]);
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
