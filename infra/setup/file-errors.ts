import { RZeroError } from '../../activities/errors.ts';

export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** Gives an operating system's refusal to write under `path` a stable code and a fix; other errors pass unchanged. */
export function asStorageError(error: unknown, path: string): unknown {
  switch (systemErrorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new RZeroError('DiskFull', `No space is left for ${path}.`, {
        fix: 'Free some space, or point the data directory (--data-dir or R_ZERO_DATA_DIR) at another disk.',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
      return new RZeroError('SetupFailed', `${path} cannot be written (${systemErrorCode(error)}).`, {
        fix: 'Make it writable for this user, or choose another folder with --data-dir or R_ZERO_DATA_DIR.',
        cause: error,
      });
    default:
      return error;
  }
}
