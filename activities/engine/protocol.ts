/** Messages between the worker and the engine's child process. Every call has one answer, with progress before it. */
import { RZeroError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { LocalEngineOptions } from './local.ts';
import { outOfMemory, speaksOfMemory } from './memory-words.ts';
import type {
  CheckpointRecord,
  Completion,
  CompletionScore,
  EngineDescription,
  EngineProgress,
  ModelSource,
  SampleRequest,
  ScoreItem,
  ScoreSettings,
  TrainItem,
  TrainMetrics,
  TrainOptions,
} from './types.ts';

/** How the child process is set up, as JSON in its first argument. */
export type HostOptions = LocalEngineOptions;

/** What a lease tells about itself. */
export interface LeaseState {
  lease: number;
  modelId: string;
  maxSequenceLength: number;
}

interface OfLease {
  lease: number;
}

/** Calls by name: what goes in and what comes out. */
export interface Calls {
  describe: { input: Record<string, never>; output: EngineDescription };
  open: { input: { source: ModelSource }; output: LeaseState };
  sample: { input: OfLease & { request: SampleRequest }; output: Completion[] };
  score: { input: OfLease & { items: readonly ScoreItem[]; settings: ScoreSettings }; output: CompletionScore[] };
  trainStep: {
    input: OfLease & { items: readonly TrainItem[]; options: TrainOptions };
    output: { metrics: TrainMetrics; modelId: string };
  };
  publish: { input: OfLease; output: undefined };
  checkpoint: { input: OfLease & { root: string }; output: CheckpointRecord };
  closeLease: { input: OfLease; output: undefined };
}

export type Method = keyof Calls;

export type CallMessage = { [M in Method]: { kind: 'call'; id: number; method: M; input: Calls[M]['input'] } }[Method];

export type ToHost = CallMessage | { kind: 'cancel'; id: number };

export type FromHost =
  | { kind: 'progress'; id: number; progress: EngineProgress }
  | { kind: 'result'; id: number; output: Calls[Method]['output'] }
  | { kind: 'error'; id: number; error: WireError };

/** An error as it crosses the process boundary. */
export interface WireError {
  code: ErrorCode;
  message: string;
  fix?: string;
  field?: string;
  stack?: string;
}

export function toWireError(error: unknown): WireError {
  if (error instanceof RZeroError) {
    // The constructor puts the fix behind the message; it is put there again on the other side.
    const message = error.fix ? error.message.slice(0, -error.fix.length - 1) : error.message;
    return {
      code: error.code,
      message,
      ...(error.fix === undefined ? {} : { fix: error.fix }),
      ...(error.field === undefined ? {} : { field: error.field }),
      ...(error.stack === undefined ? {} : { stack: error.stack }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {};
  if (speaksOfMemory(message)) return { ...toWireError(outOfMemory(message)), ...stack };
  return { code: 'Internal', message: `The engine failed: ${message}`, ...stack };
}

export function fromWireError({ code, message, fix, field, stack }: WireError): RZeroError {
  return new RZeroError(code, message, {
    ...(fix === undefined ? {} : { fix }),
    ...(field === undefined ? {} : { field }),
    // The far side's stack is the one that tells where it happened.
    ...(stack === undefined ? {} : { cause: stack }),
  });
}
