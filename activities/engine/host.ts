/**
 * The engine's child process: the local engine behind messages. It ends when the worker that started it disconnects, so
 * it never outlives it, and after refusing a call for memory, because only a new process gives memory back.
 */
import { RZeroError } from '../errors.ts';
import { createLocalEngine } from './local.ts';
import { outOfMemory } from './memory-words.ts';
import { toWireError } from './protocol.ts';
import type { CallMessage, Calls, FromHost, HostOptions, Method, ToHost } from './protocol.ts';
import type { CallOptions, EngineProgress, ModelLease } from './types.ts';

const PROGRESS_EVERY_MS = 200;

const options = JSON.parse(process.argv[2] ?? '{}') as HostOptions;
const engine = createLocalEngine(options);
const leases = new Map<number, ModelLease>();
const running = new Map<number, AbortController>();
let nextLease = 1;

process.title = 'r-zero-engine';
process.on('disconnect', () => process.exit(0));
// The worker decides when the engine ends; Ctrl-C and a service manager's stop reach the whole group of processes, and
// the worker may still want to finish a step.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('message', (message: ToHost) => {
  if (message.kind === 'cancel') running.get(message.id)?.abort();
  else void answer(message);
});

async function answer(message: CallMessage): Promise<void> {
  const { id } = message;
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const output = await perform(message, { signal: controller.signal, onProgress: progressSender(id) });
    send({ kind: 'result', id, output });
  } catch (error) {
    const wire = toWireError(error);
    send({ kind: 'error', id, error: wire }, wire.code === 'EngineOutOfMemory' ? () => process.exit(0) : undefined);
  } finally {
    running.delete(id);
  }
}

async function perform(message: CallMessage, call: CallOptions): Promise<Calls[Method]['output']> {
  if (message.method === 'describe') return await engine.describe(call);
  if (message.method === 'open') {
    refuseAboveLimit();
    const lease = await engine.open(message.input.source, call);
    const handle = nextLease++;
    leases.set(handle, lease);
    return { lease: handle, modelId: lease.modelId, maxSequenceLength: lease.maxSequenceLength };
  }
  const lease = leases.get(message.input.lease);
  if (!lease) {
    throw new RZeroError('EngineRequestInvalid', 'This model lease is closed.', { fix: 'Open the model again.' });
  }
  switch (message.method) {
    case 'sample':
      return await lease.sample(message.input.request, call);
    case 'score':
      return await lease.score(message.input.items, { ...call, ...message.input.settings });
    case 'trainStep': {
      const metrics = await lease.trainStep(message.input.items, message.input.options, call);
      return { metrics, modelId: lease.modelId };
    }
    case 'publish':
      await lease.publish(call);
      return undefined;
    case 'checkpoint':
      return await lease.checkpoint(message.input.root, call);
    case 'closeLease':
      leases.delete(message.input.lease);
      await lease.close();
      return undefined;
    default:
      return message satisfies never;
  }
}

/** Reports progress now and then, and stops the call when memory has run over the limit. */
function progressSender(id: number): (progress: EngineProgress) => void {
  let last = 0;
  return (progress) => {
    refuseAboveLimit();
    const now = performance.now();
    if (now - last < PROGRESS_EVERY_MS && progress.done < progress.total) return;
    last = now;
    send({ kind: 'progress', id, progress });
  };
}

function refuseAboveLimit(): void {
  const limit = options.memoryLimitBytes;
  if (limit === undefined) return;
  const used = process.memoryUsage.rss();
  if (used <= limit) return;
  const mebi = (bytes: number): number => Math.round(bytes / 2 ** 20);
  throw outOfMemory(`The engine uses ${mebi(used)} MiB; its limit is ${mebi(limit)} MiB.`);
}

function send(message: FromHost, then?: () => void): void {
  // The worker may have gone; 'disconnect' then ends this process.
  process.send?.(message, undefined, undefined, () => then?.());
}
