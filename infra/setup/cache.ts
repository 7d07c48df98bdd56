import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { asStorageError, systemErrorCode } from './file-errors.ts';
import { waitForLock } from './file-lock.ts';

export { cacheDirectory } from '../../activities/cache-directory.ts';

export interface CachedArtifact {
  /** Folder name inside the cache; holds name, version and platform, so that two versions never share one. */
  name: string;
  cache: string;
  /** Called when another process is preparing the same artifact. */
  onWait?: () => void;
  /** Fills the empty folder `staging`. Throws when anything about the result is doubtful. */
  build(staging: string): Promise<void>;
}

// A slow line needs minutes for the largest download.
const BUILD_WAIT_MS = 60 * 60_000;

/**
 * The folder of a finished artifact, built when it is missing. It is filled under a temporary name and renamed as the
 * last act, so a folder with its final name is complete; one builder works at a time, and what a killed one left
 * behind is removed first.
 */
export async function ensureArtifact(artifact: CachedArtifact): Promise<string> {
  const target = join(artifact.cache, artifact.name);
  if (existsSync(target)) return target;
  try {
    mkdirSync(artifact.cache, { recursive: true });
    const lock = await waitForLock(`${target}.lock`, {
      waitMs: BUILD_WAIT_MS,
      ...(artifact.onWait ? { onWait: artifact.onWait } : {}),
    });
    try {
      if (existsSync(target)) return target;
      removeLeftovers(artifact.cache, artifact.name);
      const staging = join(artifact.cache, `${artifact.name}.part-${randomUUID()}`);
      mkdirSync(staging);
      try {
        await artifact.build(staging);
        renameSync(staging, target);
      } finally {
        rmSync(staging, { recursive: true, force: true });
      }
      return target;
    } finally {
      lock.release();
    }
  } catch (error) {
    if (error instanceof RZeroError || systemErrorCode(error) === undefined) throw error;
    throw asStorageError(error, target, 'cache');
  }
}

function removeLeftovers(cache: string, name: string): void {
  // Retries, because the download of a killed set-up may still be writing there for a moment.
  for (const entry of readdirSync(cache)) {
    if (entry.startsWith(`${name}.part-`)) rmSync(join(cache, entry), { recursive: true, force: true, maxRetries: 5 });
  }
}
