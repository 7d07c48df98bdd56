import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit code; undefined when the program was ended by a signal or could not be started. */
  code: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: string;
  stderr: string;
  /** Set when the program could not be started, e.g. `ENOENT`. */
  startError: string | undefined;
}

export interface CommandOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Killed after this long. @default 60000 */
  timeoutMs?: number;
  /** Runs the program under another account; only root may. */
  account?: { uid: number; gid: number } | undefined;
}

// Keeps a chatty compiler from filling memory; the end of an output is what explains a failure.
const KEEP_CHARACTERS = 64_000;

/** Runs a program to its end and never throws: the caller knows what a failure means and which fix to name. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.account ? { uid: options.account.uid, gid: options.account.gid } : {}),
    });
    let stdout = '';
    let stderr = '';
    let startError: string | undefined;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout = (stdout + text).slice(-KEEP_CHARACTERS)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-KEEP_CHARACTERS)));
    // Not spawn's own `timeout`: for a program that cannot be started, its timer runs on and keeps this process alive.
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
    const finish = (code: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(timer);
      resolve({ code: code ?? undefined, signal: signal ?? undefined, stdout, stderr, startError });
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      startError = error.code ?? error.message;
      if (child.pid === undefined) finish(null, null);
    });
    child.on('close', finish);
  });
}

export function succeeded(result: CommandResult): boolean {
  return result.code === 0;
}

/**
 * The last lines of a failed program's output, fit to be shown: addresses, user names in them and host names are taken
 * out, because package indexes are often private mirrors with credentials in their address.
 */
export function explainFailure(result: CommandResult, lines = 4): string {
  if (result.startError === 'ENOENT') return 'the program was not found';
  if (result.startError !== undefined) return `it could not be started (${result.startError})`;
  const text = result.stderr.trim() === '' ? result.stdout : result.stderr;
  const all = hideAddresses(text).trim().split('\n');
  // A Node program that died of an error says so once, above a screen of stack.
  const thrown = all.some((line) => /^ +at /.test(line)) ? all.findLast((line) => /^\w*Error: /.test(line)) : undefined;
  const tail = thrown ?? all.slice(-lines).join('\n').trim();
  const ended = result.signal ? `ended by ${result.signal}` : `exit code ${result.code}`;
  return tail === '' ? ended : `${ended}: ${tail}`;
}

export function hideAddresses(text: string): string {
  return text
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s'")\]]+/gi, '<address>')
    .replace(/host=(['"])[^'"]*\1/gi, "host='<address>'");
}
