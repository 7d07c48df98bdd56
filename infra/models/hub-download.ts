import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { systemErrorCode } from '../setup/file-errors.ts';
import { formatBytes } from '../setup/progress.ts';
import type { ReportSetup } from '../setup/progress.ts';
import { request, unreachable } from './hub.ts';
import type { HubAccess, HubFile, HubRepository } from './hub.ts';

const ATTEMPTS = 5;
/** A line that carries nothing for this long is given up, and the rest asked for anew. */
const IDLE_MS = 60_000;
const PAUSE_MS = 1000;

export interface HubDownload {
  repository: HubRepository;
  access: HubAccess;
  /** Files of an earlier, interrupted download are here and are kept. */
  folder: string;
  report: ReportSetup;
  /** Between attempts. @default 1000 */
  pauseMs?: number | undefined;
}

/**
 * Fetches all files, going on where an earlier attempt stopped, and checks each hash. A file has its own name only when
 * it is complete and right.
 *
 * @throws RZeroError `SetupFailed`, `ModelUnreadable`
 */
export async function downloadHubFiles({ repository, access, folder, report, pauseMs }: HubDownload): Promise<void> {
  await mkdir(folder, { recursive: true });
  const totalBytes = repository.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const message = `Downloading ${repository.id} (${formatBytes(totalBytes)})`;
  report({ part: 'model', kind: 'info', message: `${message} to ${folder}` });
  let before = 0;
  for (const file of repository.files) {
    const onBytes = (bytes: number): void =>
      report({ part: 'model', kind: 'progress', message, doneBytes: before + bytes, totalBytes });
    await fetchFile(file, folder, repository.id, access, onBytes, pauseMs ?? PAUSE_MS);
    before += file.bytes;
  }
}

async function fetchFile(
  file: HubFile,
  folder: string,
  id: string,
  access: HubAccess,
  onBytes: (bytes: number) => void,
  pauseMs: number,
): Promise<void> {
  const path = join(folder, file.name);
  if ((await sizeOf(path)) !== undefined) return;
  const part = `${path}.part`;
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchRest(file, part, id, access, onBytes);
      break;
    } catch (error) {
      // Answers of the hub are final; a line that broke is not.
      if (attempt === ATTEMPTS || !(error instanceof RZeroError) || error.code !== 'SetupFailed') throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs * attempt));
    }
  }
  await requireHash(file, part, id);
  await rename(part, path);
}

async function fetchRest(
  { url, bytes: total }: HubFile,
  part: string,
  id: string,
  access: HubAccess,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let done = (await sizeOf(part)) ?? 0;
  if (done > total) done = 0;
  if (done === total && total > 0) return;
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), IDLE_MS);
  try {
    const response = await request(url, access, id, done > 0 ? { range: `bytes=${done}-` } : {}, idle.signal);
    // A server that does not know ranges sends the whole file.
    const resumed = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${done}-`);
    if (!resumed) done = 0;
    const handle = await open(part, resumed ? 'a' : 'w');
    try {
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        done += (chunk as Uint8Array).byteLength;
        if (done > total) throw tooLong(id);
        await handle.writeFile(chunk as Uint8Array);
        onBytes(done);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw error instanceof RZeroError ? error : brokenLine(id, access, error);
  } finally {
    clearTimeout(timer);
  }
  if (done < total) throw unreachable(id, access, new Error(`the line broke after ${done} of ${total} bytes`));
}

/** A full disk passes as it is: trying again would not help. */
function brokenLine(id: string, access: HubAccess, error: unknown): unknown {
  return ['ENOSPC', 'EDQUOT'].includes(systemErrorCode(error) ?? '') ? error : unreachable(id, access, error);
}

function tooLong(id: string): RZeroError {
  return new RZeroError('SetupFailed', `The hub sends more of a file of ${id} than it announced.`, {
    fix: 'Check HF_ENDPOINT, or fetch the model by other means and import its folder.',
  });
}

async function requireHash({ name, bytes, hash }: HubFile, path: string, id: string): Promise<void> {
  const digest: Hash = createHash(hash.kind === 'sha256' ? 'sha256' : 'sha1');
  if (hash.kind === 'git-sha1') digest.update(`blob ${bytes}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) digest.update(chunk as Buffer);
  const actual = digest.digest('hex');
  if (actual === hash.value) return;
  await rm(path, { force: true });
  throw new RZeroError('SetupFailed', `${name} of ${id} is not the file it should be: ${actual}, not ${hash.value}.`, {
    fix: 'It was deleted. Start again; if it happens twice, a proxy alters files.',
  });
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
