import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { asStorageError, systemErrorCode } from '../setup/file-errors.ts';
import type { ProcessIdentity } from '../setup/process-identity.ts';

/** What `<dataDir>/stack.json` remembers between starts. It holds no secret; the password has a file of its own. */
export interface StackState {
  version: 1;
  postgres?: PostgresState;
  temporal?: TemporalState;
}

export interface PostgresState {
  port: number;
  /** The cluster; outside the data directory only when root's own folders are closed to the server's account. */
  directory: string;
  process?: ProcessIdentity;
}

export interface TemporalState {
  port: number;
  uiPort: number;
  process?: ProcessIdentity;
}

/** Where everything of one data directory lies. */
export interface StackPaths {
  dataDir: string;
  state: string;
  password: string;
  /** One owner for as long as a worker or a demo uses the stack. */
  ownerLock: string;
  /** Held only while servers are started or stopped. */
  changeLock: string;
  cluster: string;
  temporalDatabase: string;
  logs: string;
}

export function stackPaths(dataDir: string): StackPaths {
  const root = resolve(dataDir);
  return {
    dataDir: root,
    state: join(root, 'stack.json'),
    password: join(root, 'postgres.password'),
    ownerLock: join(root, 'stack.lock'),
    changeLock: join(root, 'stack.change.lock'),
    cluster: join(root, 'postgres'),
    temporalDatabase: join(root, 'temporal', 'temporal.db'),
    logs: join(root, 'logs'),
  };
}

/** Creates the data directory and checks that it can be written. Fails with `SetupFailed` or `DiskFull`. */
export function prepareDataDir(dataDir: string): StackPaths {
  const paths = stackPaths(dataDir);
  const probe = join(paths.dataDir, `.write-test-${randomUUID()}`);
  try {
    // Model text is in the logs' and Temporal's keeping: closed to other users, though the folder above may be open.
    for (const path of [paths.logs, dirname(paths.temporalDatabase)]) mkdirSync(path, { recursive: true, mode: 0o700 });
    // Writing proves what a check of permission bits cannot: quota, read-only mounts, a full disk.
    writeFileSync(probe, 'r-zero');
  } catch (error) {
    throw asStorageError(error, paths.dataDir);
  } finally {
    // A full disk takes the name of a file, and nothing of its content.
    if (existsSync(probe)) rmSync(probe);
  }
  return paths;
}

export function readStackState(paths: StackPaths): StackState {
  let text: string;
  try {
    text = readFileSync(paths.state, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { version: 1 };
    throw asStorageError(error, paths.state);
  }
  const value = parse(text);
  if (value?.version === 1) return value;
  if (value !== undefined) {
    throw new RZeroError('SetupFailed', `${paths.state} was written by another version of r-zero.`, {
      fix: 'Use the version that wrote it, or another data directory (--data-dir).',
      field: 'dataDir',
    });
  }
  // Only then can everything it says be found again: a cluster outside the data directory is named nowhere else.
  const dispensable = existsSync(join(paths.cluster, 'PG_VERSION'));
  throw new RZeroError('SetupFailed', `${paths.state} is damaged.`, {
    fix: dispensable
      ? 'End the servers of this folder that still run, if any, and delete the file: ports are then chosen anew.'
      : 'Restore it from a copy, or use another data directory (--data-dir).',
    field: 'dataDir',
  });
}

function parse(text: string): StackState | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as StackState) : undefined;
  } catch {
    // Reported by the caller, with the path and a fix.
    return undefined;
  }
}

export function writeStackState(paths: StackPaths, state: StackState): void {
  writeAtomically(paths.state, `${JSON.stringify(state, null, 2)}\n`);
}

export function writeAtomically(path: string, text: string, mode = 0o644): void {
  const draft = `${path}.${randomUUID()}`;
  try {
    writeFileSync(draft, text, { mode, flush: true });
    renameSync(draft, path);
  } catch (error) {
    if (existsSync(draft)) rmSync(draft);
    throw asStorageError(error, path);
  }
}

/** The generated password of the embedded Postgres. A file that others may read is closed before it is used. */
export function readPassword(paths: StackPaths): string | undefined {
  try {
    if ((statSync(paths.password).mode & 0o077) !== 0) chmodSync(paths.password, 0o600);
    return readFileSync(paths.password, 'utf8').trim();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw asStorageError(error, paths.password);
  }
}
