/** `r-zero worker`: the worker as the only child of this process, its output on this terminal, its exit code ours. */
import { fork } from 'node:child_process';
import { provisionNatives } from '../setup/provision.ts';
import { locateStack, workerEnvironment } from './endpoints.ts';
import { catchInterrupts } from './interrupts.ts';
import { workerEntry, workerExecArgv } from './worker-process.ts';

/**
 * Not supervised: whoever runs workers for good has a supervisor, which wants to see the process end.
 *
 * @param settings variables for the worker, beside those of this process
 */
export async function worker(dataDir: string, settings: NodeJS.ProcessEnv = {}): Promise<number> {
  const { databaseUrl, temporal } = await locateStack(dataDir);
  await provisionNatives(['tensorflow']);
  const entry = workerEntry();
  const interrupts = catchInterrupts(() => child.kill('SIGTERM'));
  const child = fork(entry, {
    env: workerEnvironment({ databaseUrl, dataDir, temporal }, { ...process.env, ...settings }),
    execArgv: workerExecArgv(entry),
    stdio: 'inherit',
    // A group of its own: Ctrl-C reaches this process alone, which passes it on once.
    detached: true,
  });
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
    // A graceful end after a signal is reported as such, the way shells expect it.
    if (code === 0 && interrupts.signal.aborted) throw interrupts.signal.reason;
    return code;
  } finally {
    interrupts.release();
  }
}
