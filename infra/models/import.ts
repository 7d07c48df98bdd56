import { existsSync } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { cacheDirectory, namedModels } from '../../activities/cache-directory.ts';
import { exportModel } from '../../activities/engine/export-model.ts';
import type { ExportedModel } from '../../activities/engine/export-model.ts';
import { RZeroError } from '../../activities/errors.ts';
import { hubFolderName, isHubId } from '../../activities/model-folder.ts';
import { asStorageError } from '../setup/file-errors.ts';
import { waitForLock } from '../setup/file-lock.ts';
import type { ReportSetup } from '../setup/progress.ts';
import { hubAccess, listHubFiles } from './hub.ts';
import { downloadHubFiles } from './hub-download.ts';
import { originFile } from './origin.ts';

export interface ImportOptions {
  /** Folder to write, which must not exist; the model's name in the user's cache when omitted. */
  out?: string | undefined;
  /** Of a hub id. @default 'main' */
  revision?: string | undefined;
  env?: NodeJS.ProcessEnv;
  report: ReportSetup;
  /** Between attempts of a download, for tests. */
  retryPauseMs?: number;
}

const LOCK_WAIT_MS = 60 * 60_000;

/**
 * Brings a model into the form that runs start from: checked, 32-bit floats, one folder.
 *
 * @param model a folder, a `.gguf` file, or a hub id, which is downloaded first
 * @throws RZeroError `ModelUnreadable`, `TokenizerUnreadable`, `SetupFailed`, `DiskFull`
 */
export async function importNamedModel(model: string, options: ImportOptions): Promise<ExportedModel> {
  const { env = process.env, report } = options;
  const path = resolve(model);
  await mkdir(namedModels(env), { recursive: true });
  if (existsSync(path)) {
    const out = options.out ?? join(namedModels(env), await nameOf(path));
    report({ part: 'model', kind: 'info', message: `Importing ${path}` });
    return exportModel(path, out, originFile({ label: basename(path), source: path, files: [] }));
  }
  if (!isHubId(model)) {
    throw new RZeroError('ModelUnreadable', `There is no ${model}.`, {
      field: 'model',
      fix: 'Give a folder, a .gguf file, or a hub id (owner/name).',
    });
  }
  return importFromHub(model, { ...options, env });
}

/** The name under which a run can ask for it. */
async function nameOf(path: string): Promise<string> {
  const name = basename(path).replace((await stat(path)).isFile() ? /\.gguf$/ : /$^/, '');
  if (/^[A-Za-z0-9][\w.-]{0,99}$/.test(name) && name !== 'builtin') return name;
  throw new RZeroError('ModelUnreadable', `"${name}" cannot be the name of a model.`, {
    field: 'out',
    fix: 'Say with --out where it shall go.',
  });
}

async function importFromHub(id: string, options: ImportOptions & { env: NodeJS.ProcessEnv }): Promise<ExportedModel> {
  const { env, report, revision = 'main' } = options;
  const out = options.out ?? join(namedModels(env), hubFolderName(id));
  if (existsSync(out)) throw taken(out);
  const access = hubAccess(env);
  const repository = await listHubFiles(id, revision, access);
  const { commit, files, licence } = repository;
  // The commit is in the name: an interrupted download of another state of the model is not gone on with.
  const folder = join(cacheDirectory(env), 'downloads', `${hubFolderName(id)}@${commit}`);
  const lock = await waitForLock(`${folder}.lock`, { waitMs: LOCK_WAIT_MS });
  try {
    await downloadHubFiles({ repository, access, folder, report, pauseMs: options.retryPauseMs });
    const origin = {
      label: id,
      source: `${access.endpoint}/${id}@${commit}`,
      licence,
      files: files.map(({ name, hash }) => ({ name, sha256: hash.kind === 'sha256' ? hash.value : undefined })),
    };
    report({ part: 'model', kind: 'info', message: `Importing ${id}, licence ${licence ?? 'not stated'}` });
    const imported = await exportModel(folder, out, originFile(origin));
    await rm(folder, { recursive: true, force: true });
    return imported;
  } catch (error) {
    throw error instanceof RZeroError ? error : asStorageError(error, folder, 'cache');
  } finally {
    lock.release();
  }
}

function taken(out: string): RZeroError {
  return new RZeroError('ModelUnreadable', `${out} exists already.`, {
    field: 'out',
    fix: 'Remove it to import the model anew, or say with --out where it shall go.',
  });
}
