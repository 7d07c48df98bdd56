/** Long computations of the method without holding up the worker: while the event loop stands still, no heartbeat can leave. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RZeroError } from './errors.ts';
import type { MethodTasks, TaskName, ThreadAnswer } from './method-thread.ts';

/**
 * @param given is copied, but for shared memory
 * @param signal ends the thread
 * @throws RZeroError what the computation throws; `EngineCancelled` after the signal
 */
export function inThread<Name extends TaskName>(
  name: Name,
  given: MethodTasks[Name]['given'],
  signal: AbortSignal | undefined,
): Promise<MethodTasks[Name]['answer']> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled(signal.reason));
    const thread = startThread({ name, given });
    let answer: ThreadAnswer<Name> | undefined;
    let failure: unknown;
    const onAbort = (): void => void thread.terminate();
    signal?.addEventListener('abort', onAbort, { once: true });
    thread.once('message', (message: ThreadAnswer<Name>) => (answer = message));
    thread.once('error', (error) => (failure = error));
    // Settled at its end, so that no thread outlives the call.
    thread.once('exit', (code) => {
      signal?.removeEventListener('abort', onAbort);
      if (answer !== undefined && 'answer' in answer) resolve(answer.answer);
      else if (answer !== undefined) reject(asError(answer.error));
      else if (signal?.aborted) reject(cancelled(signal.reason));
      else reject(failure ?? new RZeroError('Internal', `The thread for ${name} ended with exit code ${code}.`));
    });
  });
}

export function cancelled(cause: unknown): RZeroError {
  return new RZeroError('EngineCancelled', 'The computation was cancelled.', { cause });
}

/** Sources need a loader, and Node 20 does not hand the parent's to a thread. */
function startThread(task: { name: TaskName; given: unknown }): Worker {
  const extension = extname(new URL(import.meta.url).pathname);
  const file = new URL(`./method-thread${extension}`, import.meta.url);
  if (extension !== '.ts') return new Worker(file, { workerData: task });
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const program = `import(${loader}).then(({ register }) => (register(), import(${JSON.stringify(file.href)})))`;
  return new Worker(program, { eval: true, workerData: task });
}

function asError({ code, message, ...rest }: Extract<ThreadAnswer<TaskName>, { error: unknown }>['error']): RZeroError {
  return new RZeroError(code, message, rest);
}
