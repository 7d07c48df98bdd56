import { RZeroError } from '../../errors.ts';
import { codeOf } from '../staging.ts';

/** Why bytes are not a GGUF file that can be used; `openGguf` adds the path and the code. */
export class GgufError extends Error {
  override readonly name = 'GgufError';
}

/** `ModelUnreadable` for a `GgufError` or a refusal of the operating system; other errors pass unchanged. */
export function asModelUnreadable(path: string, error: unknown): unknown {
  if (error instanceof RZeroError) return error;
  const system = codeOf(error);
  if (!(error instanceof GgufError) && system === undefined) return error;
  const what = error instanceof GgufError ? error.message : `cannot be read (${system})`;
  return new RZeroError('ModelUnreadable', `${path} ${what}.`, {
    field: 'path',
    fix: 'Fetch the file again, or use the Hugging Face folder of the model.',
    cause: error,
  });
}
