import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheDirectory } from '../../activities/cache-directory.ts';
import { RZeroError } from '../../activities/errors.ts';
import { loaderOf, type LoaderName } from '../../activities/evaluation-sets/loaders.ts';
import { readSet } from '../../activities/evaluation-sets/read-set.ts';
import { datasetFolder, filesOf } from '../../activities/evaluation-sets/settle.ts';
import { hubFolderName } from '../../activities/model-folder.ts';
import { hubAccess, listHubDataset } from '../models/hub.ts';
import { downloadHubFiles } from '../models/hub-download.ts';
import { ORIGIN, originFile, readOrigin } from '../models/origin.ts';
import { asStorageError } from '../setup/file-errors.ts';
import { waitForLock } from '../setup/file-lock.ts';
import type { ReportSetup } from '../setup/progress.ts';
import { sha256OfFile } from '../setup/wheel-download.ts';

export interface GetDatasetOptions {
  /** Branch, tag or commit; what is there of another commit is not taken for it. @default what is there, else 'main' */
  revision?: string | undefined;
  env?: NodeJS.ProcessEnv;
  report: ReportSetup;
  /** Between attempts of a download, for tests. */
  retryPauseMs?: number;
}

export interface ReadyDataset {
  path: string;
  /** With the commit. */
  source: string;
  questions: number;
  /** Of its questions, as runs store it. */
  hash: string;
}

const LOCK_WAIT_MS = 60 * 60_000;

/**
 * Fetches a published set from the hub at one commit, every file checked against the hub's hash, and read as a run would read it. The
 * folder appears complete or not at all; where it is there already, its files are hashed again.
 *
 * @throws RZeroError `SetupFailed`, `DatasetUnreadable`, `RunInputInvalid` when the files are not in the published form
 */
export async function getDataset(name: LoaderName, options: GetDatasetOptions): Promise<ReadyDataset> {
  const { env = process.env, report, revision } = options;
  const { hub } = loaderOf(name);
  if (!hub) {
    throw new RZeroError('RunInputInvalid', `Set "${name}" is a file of your own: there is nothing to fetch.`, {
      field: 'set',
      fix: 'Name it in the run input: {"set": "file", "file": "…"}.',
    });
  }
  const target = datasetFolder(name, env);
  if (existsSync(target)) return await present(name, target, revision, env);
  const access = hubAccess(env);
  const repository = await listHubDataset(hub.id, revision ?? 'main', access, hub.files);
  const downloads = join(cacheDirectory(env), 'downloads');
  await mkdir(downloads, { recursive: true });
  // The commit is in the name: an interrupted download of another state is not gone on with.
  const folder = join(downloads, `datasets--${hubFolderName(hub.id)}@${repository.commit}`);
  const lock = await waitForLock(`${folder}.lock`, { waitMs: LOCK_WAIT_MS });
  try {
    if (existsSync(target)) return await present(name, target, revision, env);
    await downloadHubFiles({ repository, access, folder, report, pauseMs: options.retryPauseMs });
    const files = repository.files.map((file) => join(folder, file.name)).toSorted();
    const set = await readSet(name, files, 'set');
    const source = `${access.endpoint}/datasets/${hub.id}@${repository.commit}`;
    const hashed = await Promise.all(
      repository.files.map(async (file) => ({ name: file.name, sha256: await sha256OfFile(join(folder, file.name)) })),
    );
    const origin = { label: loaderOf(name).label, source, licence: repository.licence, files: hashed };
    await writeFile(join(folder, ORIGIN), originFile(origin).get(ORIGIN)!);
    await mkdir(dirname(target), { recursive: true });
    await rename(folder, target);
    return { path: target, source, questions: set.items.length, hash: set.hash };
  } catch (error) {
    throw error instanceof RZeroError ? error : asStorageError(error, folder, 'cache');
  } finally {
    lock.release();
  }
}

/** @throws RZeroError `DatasetUnreadable` when it is of another commit than asked, or a file is not what was fetched */
async function present(
  name: LoaderName,
  path: string,
  revision: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<ReadyDataset> {
  const origin = await readOrigin(path);
  const refuse = (message: string): RZeroError =>
    new RZeroError('DatasetUnreadable', message, { field: 'set', fix: `Remove ${path} and fetch it again.` });
  if (revision !== undefined && !origin?.source.endsWith(`@${revision}`)) {
    throw refuse(`Set ${name} is here from ${origin?.source ?? 'elsewhere'}, not at ${revision}.`);
  }
  const names = new Set(await readdir(path));
  for (const { name: file, sha256 } of origin?.files ?? []) {
    if (names.has(file) && (await sha256OfFile(join(path, file))) === sha256) continue;
    throw refuse(`${file} of set ${name} is not the file that was fetched.`);
  }
  const set = await readSet(name, filesOf({ set: name, file: undefined }, 'set', env), 'set');
  return { path, source: origin?.source ?? path, questions: set.items.length, hash: set.hash };
}
