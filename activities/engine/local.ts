import { RZeroError } from '../errors.ts';
import { adaptModel } from './adapt-model.ts';
import { disposeAdamW } from './adamw.ts';
import { modelIdOf, writeCheckpoint } from './checkpoint.ts';
import { bytesOfModels, cacheKey, createModelCache } from './model-cache.ts';
import type { ModelCache } from './model-cache.ts';
import { loadModelFolder } from './model-folder.ts';
import type { LoadedModel } from './model-folder.ts';
import { modelBeneath } from './model-beneath.ts';
import { grpoStep, scoreCompletions } from './rollouts.ts';
import { sampleCompletions } from './sampler.ts';
import { loadRuntime } from './tensorflow.ts';
import type { Runtime, RuntimeOptions } from './tensorflow.ts';
import type { CallOptions, Engine, ModelLease, ModelSource } from './types.ts';
import { outOfMemory, speaksOfMemory } from './memory-words.ts';
import { disposeModel } from './weights.ts';

export interface LocalEngineOptions extends RuntimeOptions {
  /** Most bytes of models kept for a cheap reopening. @default 512 MiB */
  cacheBytes?: number;
  /** Most bytes that the process may have: a batch that would take more is refused with `EngineOutOfMemory`. @default what is free */
  memoryLimitBytes?: number;
}

/**
 * The engine in this process. TensorFlow blocks the event loop while it computes, so a worker uses `createTfjsEngine`
 * instead, which runs this one in a child process. Calls run one at a time, in the order they were made.
 */
export function createLocalEngine(options: LocalEngineOptions = {}): Engine {
  const cache = createModelCache(options.cacheBytes ?? 512 * 2 ** 20);
  const enqueue = createQueue();
  const leases = new Map<ModelLease, LoadedModel>();
  return {
    describe: ({ threads } = {}) => enqueue(undefined, async () => (await runtimeWith(options, threads)).description),
    open: (source, call = {}) =>
      enqueue(call.signal, async () => {
        const loaded = await openModel(options, cache, [...leases.values()], source);
        const lease = createLease(loaded, options, cache, enqueue, () => leases.delete(lease));
        leases.set(lease, loaded);
        return lease;
      }),
    close: async () => {
      for (const lease of leases.keys()) await lease.close();
      await enqueue(undefined, () => Promise.resolve(cache.clear()));
    },
  };
}

async function openModel(
  options: RuntimeOptions,
  cache: ModelCache,
  open: readonly LoadedModel[],
  source: ModelSource,
): Promise<LoadedModel> {
  const withOptimizer = source.withOptimizer ?? false;
  const runtime = await runtimeWith(options, source.threads);
  const key = await cacheKey(source);
  let loaded = cache.get(key, withOptimizer) ?? (withOptimizer ? undefined : modelBeneath(open, key));
  if (!loaded) {
    // What adapters lie on comes the same way: all models on it share one copy in memory.
    const openBase = (base: ModelSource): Promise<LoadedModel> => openModel(options, cache, open, base);
    loaded = await loadModelFolder(runtime, source, openBase);
    cache.put(key, loaded, withOptimizer);
  }
  return source.lora ? adaptModel(loaded, source.lora) : loaded;
}

/** @throws RZeroError `EngineRequestInvalid` when this process computes with another number of threads */
async function runtimeWith(options: RuntimeOptions, threads: number | undefined): Promise<Runtime> {
  const runtime = await loadRuntime(threads === undefined ? options : { ...options, threads });
  const { backend, threads: present } = runtime.description;
  // WebAssembly has one thread whatever is asked for.
  if (threads === undefined || threads === present || backend === 'wasm') return runtime;
  throw new RZeroError('EngineRequestInvalid', `This process computes with ${present} threads, not ${threads}.`, {
    field: 'threads',
    fix: 'Open the model in a process of its own.',
  });
}

type Enqueue = <T>(signal: AbortSignal | undefined, work: () => Promise<T>) => Promise<T>;

/** One call at a time: interleaved calls would mix up TensorFlow's memory scopes and the order of updates. */
function createQueue(): Enqueue {
  let tail: Promise<unknown> = Promise.resolve();
  return (signal, work) => {
    const run = tail.then(() => {
      if (signal?.aborted) throw new RZeroError('EngineCancelled', 'The call was cancelled.', { cause: signal.reason });
      return work();
    });
    tail = run.catch(() => undefined);
    return run;
  };
}

function createLease(
  loaded: LoadedModel,
  { memoryLimitBytes }: LocalEngineOptions,
  cache: ModelCache,
  enqueue: Enqueue,
  onClose: () => void,
): ModelLease {
  const { model, optimizer, companions, base } = loaded;
  let { modelId } = loaded;
  let open = true;
  const call = <T>(options: CallOptions | undefined, work: () => Promise<T>): Promise<T> =>
    enqueue(options?.signal, async () => {
      if (open) return await work().catch(nameMemory);
      throw new RZeroError('EngineRequestInvalid', 'This model lease is closed.', { fix: 'Open the model again.' });
    });
  return {
    get modelId() {
      return modelId;
    },
    maxSequenceLength: model.config.maxPositions,
    sample: (request, options) =>
      call(options, () => {
        const modelBytes = bytesOfModels([{ model, optimizer }]);
        return sampleCompletions(model, request, options, { modelBytes, limitBytes: memoryLimitBytes });
      }),
    score: (items, options) => call(options, () => scoreCompletions(model, items, options)),
    trainStep: (items, settings, options) =>
      call(options, async () => {
        const metrics = await grpoStep(model, optimizer, items, settings, options);
        if (!metrics.skipped) modelId = modelIdOf(model, base);
        return metrics;
      }),
    publish: (options) => call(options, () => Promise.resolve()),
    checkpoint: (root, options) =>
      call(options, async () => {
        const record = await writeCheckpoint(root, { model, optimizer, companions, base });
        cache.put(record.id, { model, optimizer, companions, modelId, checkpointId: record.id, base }, true);
        return record;
      }),
    close: () =>
      enqueue(undefined, () => {
        if (open) {
          open = false;
          model.runtime.graphs?.forget(model, optimizer);
          disposeModel(model);
          disposeAdamW(optimizer);
          onClose();
        }
        return Promise.resolve();
      }),
  };
}

/** TensorFlow's own failures for lack of memory get their code. */
function nameMemory(error: unknown): never {
  if (error instanceof Error && !(error instanceof RZeroError) && speaksOfMemory(error.message)) {
    throw outOfMemory(error.message, error);
  }
  throw error;
}
