import { access, constants, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';

function refusal(message: string, fix: string, cause?: unknown): RZeroError {
  return new RZeroError('RunInputInvalid', message, { field: '--out', fix, cause });
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Names in a folder; null when there is none. */
async function namesIn(path: string): Promise<string[] | null> {
  try {
    return await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw refusal(`${path} is not a folder that can be read.`, 'Name a folder of yours or a new one.', error);
  }
}

/**
 * Checks before the long work that a folder can be replaced. One that holds anything but a model of this command is
 * refused, e.g. after a mistyped `--out .`.
 *
 * @throws RZeroError `RunInputInvalid`
 */
export async function assertReplaceable(path: string): Promise<void> {
  const names = await namesIn(path);
  if (names !== null && names.length > 0 && !names.includes('r-zero.json')) {
    throw refusal(
      `${path} is not empty and holds no model of this command.`,
      'Name an empty folder, a new one, or one that this command wrote.',
    );
  }
  try {
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    throw refusal(`${dirname(path)} does not exist or cannot be written.`, 'Create it or name another.', error);
  }
}

/**
 * Writes all files beside the target, makes them durable, then swaps the folders. A crash leaves the old folder or the
 * new one under its name, or, between two renames, the old one as `.<name>.old`.
 *
 * @throws RZeroError `DiskFull`, `RunInputInvalid`
 */
export async function replaceFolder(path: string, files: ReadonlyMap<string, string | Uint8Array>): Promise<void> {
  const parent = dirname(path);
  const next = join(parent, `.${basename(path)}.new`);
  const old = join(parent, `.${basename(path)}.old`);
  try {
    await rm(next, { recursive: true, force: true });
    await mkdir(next);
    for (const [name, content] of files) {
      const handle = await open(join(next, name), 'wx');
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    await syncFolder(next);
    await rm(old, { recursive: true, force: true });
    if ((await namesIn(path)) !== null) await rename(path, old);
    await rename(next, path);
    await syncFolder(parent);
    await rm(old, { recursive: true, force: true });
  } catch (error) {
    await rm(next, { recursive: true, force: true });
    if (error instanceof RZeroError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new RZeroError('DiskFull', `${path} cannot be written.`, {
        fix: 'Free some space and try again.',
        cause: error,
      });
    }
    throw refusal(`${path} cannot be written.`, 'Name a folder in a place that you may write to.', error);
  }
}
