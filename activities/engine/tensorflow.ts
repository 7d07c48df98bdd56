import { createRequire } from 'node:module';
import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import type * as tfc from '@tensorflow/tfjs-core';
import { RZeroError } from '../errors.ts';
import { createOps } from './ops.ts';
import type { Ops } from './ops.ts';
import { assertPrecision, preparePrecision, wantedPrecision } from './precision.ts';
import type { Precision } from './precision.ts';
import { registerMissingWasmKernels } from './wasm-kernels.ts';
import { createGraphPool } from './graph/pool.ts';
import type { GraphPool } from './graph/pool.ts';
import { probeGraphs } from './graph/probe.ts';
import type { NativeTensor, SavedModelBinding } from './graph/session.ts';
import type { EngineDescription } from './types.ts';

export type TensorFlow = typeof tfc;

/** One attribute of a raw TensorFlow operation, as the native binding takes it. */
export interface NativeAttribute {
  name: string;
  type: number;
  value: number | boolean;
}

/** The part of tfjs-node's backend that is used directly, to reach kernels that the tfjs API does not offer. */
export interface NativeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: {
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_INT: number;
    readonly TF_FLOAT: number;
    readonly TF_INT32: number;
    readonly TF_Version: string;
  } & SavedModelBinding;
  /** Numbers of tensors in the native library. */
  getInputTensorIds(tensors: tfc.Tensor[]): number[];
  /** Takes over a native tensor. */
  createOutputTensor(native: NativeTensor): tfc.Tensor;
  executeSingleOutput(op: string, attributes: NativeAttribute[], inputs: tfc.Tensor[]): tfc.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: NativeAttribute[],
    inputs: tfc.Tensor[],
    outputs: number,
  ): tfc.Tensor[];
}

export interface RuntimeOptions {
  /**
   * `auto` takes the native library and falls back to WebAssembly when it cannot be loaded.
   * @default what R_ZERO_TENSORFLOW asks for (`cpu`, `cuda`, `wasm`), or 'auto'
   */
  backend?: 'auto' | 'native' | 'wasm';
  /** Deterministic kernels. @default true */
  deterministic?: boolean;
  /** Of matrix products; see `precision.ts`. @default what R_ZERO_ENGINE_PRECISION asks for, or 'float32' */
  precision?: Precision;
  /** Threads inside one operation; results are reproducible for a fixed number. @default TF_NUM_INTRAOP_THREADS, or all cores */
  threads?: number;
}

/** TensorFlow.js with its backend chosen and started. */
export interface Runtime {
  readonly tf: TensorFlow;
  readonly ops: Ops;
  readonly description: EngineDescription;
  /** Present when models run as traced graphs. */
  readonly graphs?: GraphPool;
}

const requireCjs = createRequire(import.meta.url);

/** What a user may ask of the set-up holds for the engine, too. */
const BACKENDS: Record<string, RuntimeOptions['backend']> = { wasm: 'wasm', cpu: 'native', cuda: 'native' };

let loading: Promise<Runtime> | undefined;

/**
 * Starts TensorFlow once per process; later calls get the same runtime, whatever their options say, because the library
 * reads its settings only when it is loaded.
 *
 * @throws RZeroError `EngineUnavailable` when no backend can be started.
 */
export function loadRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  loading ??= startRuntime(options).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const threads = options.threads ?? Number(process.env['TF_NUM_INTRAOP_THREADS'] ?? availableParallelism());
  const deterministic = options.deterministic ?? true;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new RZeroError('EngineRequestInvalid', `threads must be a positive integer, not ${threads}.`, {
      field: 'threads',
      fix: 'Set it to the number of cores, or leave it out.',
    });
  }
  const precision = wantedPrecision(options.precision, process.env);
  preparePrecision(precision, process.env);
  setEnvironment(threads, deterministic);
  const wanted = process.env['R_ZERO_TENSORFLOW'] ?? 'auto';
  // One library serves both.
  if (wanted === 'cpu') process.env['CUDA_VISIBLE_DEVICES'] = '';
  const backend = options.backend ?? BACKENDS[wanted] ?? 'auto';
  let reason: unknown;
  if (backend !== 'wasm') {
    try {
      return startNative({ threads, deterministic, precision });
    } catch (error) {
      if (error instanceof RZeroError) throw error;
      if (backend === 'native') throw unavailable('The native TensorFlow library cannot be loaded', error);
      reason = error;
    }
  }
  try {
    assertPrecision(precision, { cuda: false, traced: false });
    return await startWasm(reason);
  } catch (error) {
    if (error instanceof RZeroError) throw error;
    throw unavailable('Neither native TensorFlow nor the WebAssembly backend can be started', error);
  }
}

function unavailable(message: string, cause: unknown): RZeroError {
  return new RZeroError('EngineUnavailable', `${message}: ${firstLine(cause)}.`, {
    fix: 'Run `npx r-zero doctor`.',
    cause,
  });
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split('\n', 1)[0] ?? '').replace(/[.:\s]+$/, '');
}

/** Native code reads these when it is loaded. What the user has set already wins. */
function setEnvironment(threads: number, deterministic: boolean): void {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  // Sums of segments, which are gradients of embeddings, in one order on a GPU, too.
  if (deterministic) process.env['TF_USE_DETERMINISTIC_SEGMENT_REDUCTIONS'] = '1';
}

/**
 * TensorFlow reads its general switch when an operation first asks. Not on a GPU: there it refuses to write rows into a variable
 * in place, as key-value caches are kept, although no two of ours are the same and the result is certain. What else the switch
 * changes there the engine does not use, or has an answer of its own to (segments above, the cross entropy in `ops.ts`).
 */
function demandDeterminism(cuda: boolean): void {
  if (!cuda) process.env['TF_DETERMINISTIC_OPS'] = '1';
}

interface NativeOptions {
  threads: number;
  deterministic: boolean;
  precision: Precision;
}

function startNative({ threads, deterministic, precision }: NativeOptions): Runtime {
  // tfjs-node 4.22 calls two functions that Node 23 removed.
  const util = requireCjs('node:util') as Record<string, unknown>;
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  util['isArray'] ??= Array.isArray;

  const tf = requireCjs('@tensorflow/tfjs-node-gpu') as TensorFlow;
  tf.enableProdMode();
  const native = tf.backend() as unknown as NativeBackend;
  const cuda = native.isUsingGpuDevice;
  if (!cuda && process.env['R_ZERO_TENSORFLOW'] === 'cuda') {
    throw new RZeroError('EngineUnavailable', 'TensorFlow sees no NVIDIA GPU, and R_ZERO_TENSORFLOW asks for one.', {
      field: 'R_ZERO_TENSORFLOW',
      fix: 'Look at `nvidia-smi` and CUDA_VISIBLE_DEVICES and run `npx r-zero doctor`, or unset it.',
    });
  }
  if (deterministic) demandDeterminism(cuda);
  const { graphs, reason } = startGraphs(tf, native, { deterministic, precision });
  assertPrecision(precision, { cuda, traced: graphs !== undefined });
  return {
    tf,
    ops: createOps(tf, native, deterministic),
    ...(graphs ? { graphs } : {}),
    description: {
      engine: 'tfjs',
      backend: cuda ? 'tensorflow-cuda' : 'tensorflow-cpu',
      backendVersion: native.binding.TF_Version,
      execution: graphs ? 'traced' : 'eager',
      device: cuda ? nvidiaName() : cpuName(),
      deterministic,
      precision,
      threads,
      ...(cuda ? {} : { kernels: process.env['TF_ENABLE_ONEDNN_OPTS'] === '0' ? 'tensorflow' : 'onednn' }),
      ...(reason === undefined ? {} : { fallbackReason: reason }),
    },
  };
}

/** @throws RZeroError `EngineUnavailable` when graphs are demanded and do not run, or something unknown is demanded. */
function startGraphs(
  tf: TensorFlow,
  native: NativeBackend,
  options: Pick<NativeOptions, 'deterministic' | 'precision'>,
): { graphs?: GraphPool; reason?: string } {
  const wanted = process.env['R_ZERO_ENGINE_EXECUTION'] ?? 'auto';
  if (!['auto', 'traced', 'eager'].includes(wanted)) {
    throw new RZeroError('EngineUnavailable', `R_ZERO_ENGINE_EXECUTION is "${wanted}".`, {
      fix: 'Set it to traced or eager, or leave it out.',
    });
  }
  if (wanted === 'eager') return {};
  try {
    probeGraphs(native.binding);
    return { graphs: createGraphPool(tf, native, options) };
  } catch (error) {
    if (wanted === 'traced') throw unavailable('The native TensorFlow library does not run traced graphs', error);
    return { reason: firstLine(error) };
  }
}

async function startWasm(reason: unknown): Promise<Runtime> {
  // The union package: tfjs-core on its own registers no gradients.
  const tf = requireCjs('@tensorflow/tfjs') as TensorFlow;
  const wasm = requireCjs('@tensorflow/tfjs-backend-wasm') as {
    setThreadsCount(count: number): void;
    version_wasm: string;
  };
  tf.enableProdMode();
  // One thread: worker threads would keep the process alive and change the order of sums.
  wasm.setThreadsCount(1);
  if (!(await tf.setBackend('wasm'))) throw new Error('the WebAssembly backend did not initialise');
  await tf.ready();
  registerMissingWasmKernels(tf);
  return {
    tf,
    ops: createOps(tf, undefined, true),
    description: {
      engine: 'tfjs',
      backend: 'wasm',
      backendVersion: wasm.version_wasm,
      execution: 'eager',
      device: cpuName(),
      deterministic: true,
      precision: 'float32',
      threads: 1,
      ...(reason === undefined ? {} : { fallbackReason: firstLine(reason) }),
    },
  };
}

function cpuName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown processor';
}

function nvidiaName(): string {
  const root = '/proc/driver/nvidia/gpus';
  try {
    for (const gpu of readdirSync(root)) {
      const model = /^Model:\s*(.+)$/m.exec(readFileSync(`${root}/${gpu}/information`, 'utf8'));
      if (model?.[1]) return model[1].trim();
    }
  } catch {
    return 'NVIDIA GPU';
  }
  return 'NVIDIA GPU';
}
