import { RZeroError } from '../../activities/errors.ts';

export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** How a user moves the folder elsewhere; completes a fix. */
const ELSEWHERE = {
  data: 'the data directory (--data-dir or R_ZERO_DATA_DIR)',
  cache: 'the download cache (R_ZERO_CACHE)',
};

/** Gives an operating system's refusal to write under `path` a stable code and a fix; other errors pass unchanged. */
export function asStorageError(error: unknown, path: string, kind: keyof typeof ELSEWHERE = 'data'): unknown {
  switch (systemErrorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new RZeroError('DiskFull', `No space is left for ${path}.`, {
        fix: `Free some space, or point ${ELSEWHERE[kind]} at another disk.`,
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
      return new RZeroError('SetupFailed', `${path} cannot be written (${systemErrorCode(error)}).`, {
        fix: `Make it writable for this user, or point ${ELSEWHERE[kind]} at another folder.`,
        cause: error,
      });
    default:
      return error;
  }
}
