/** The `r-zero` command as a person runs it: a process of its own, started from some other folder. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../../../infra/setup/r-zero.mjs', import.meta.url));

/** The shell's own settings, without servers, ports and folders that a developer may have named there. */
export function plainEnvironment(change: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(DATABASE_URL|TEMPORAL_.*|R_ZERO_.*_PORT|R_ZERO_DATA_DIR|FORCE_COLOR|npm_.*)$/.test(name),
  );
  return { ...Object.fromEntries(kept), ...change };
}

export interface Outcome {
  /** Exit code; null after a signal that was not caught. */
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

export class RunningCommand {
  readonly outcome: Promise<Outcome>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const started = performance.now();
    this.#child = spawn(process.execPath, [ENTRY, ...args], {
      cwd: tmpdir(),
      env: plainEnvironment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    // 'exit', not 'close': servers that outlive a killed command must not be waited for.
    this.outcome = once(this.#child, 'exit').then(async ([code]: unknown[]) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const seconds = (performance.now() - started) / 1000;
      return { code: code as number | null, stdout: this.#stdout, stderr: this.#stderr, seconds };
    });
  }

  /** Waits until it has written this. @returns the match @throws when it ends before */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#stdout + this.#stderr);
      if (found) return found;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`The command ended without saying ${pattern}:\n${this.#stdout}${this.#stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

export function run(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Outcome> {
  return new RunningCommand(args, env).outcome;
}
