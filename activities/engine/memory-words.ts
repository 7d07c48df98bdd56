import { RZeroError } from '../errors.ts';

const MEMORY_WORDS = /\bOOM\b|bad_alloc|resource[ _]?exhausted|out of memory|array buffer allocation failed/i;

/** Whether a text written by a dying process, or a TensorFlow error, is about memory. */
export function speaksOfMemory(text: string): boolean {
  return MEMORY_WORDS.test(text);
}

/** `EngineOutOfMemory` of which it is certain that a smaller batch would help: it names the field `batchSize`. */
export function outOfMemory(message: string, cause?: unknown): RZeroError {
  return new RZeroError('EngineOutOfMemory', message, {
    field: 'batchSize',
    fix: 'Lower batchSize or microBatch, or give the machine more memory.',
    ...(cause === undefined ? {} : { cause }),
  });
}
