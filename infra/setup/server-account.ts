import { chmodSync, lstatSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';

/** Postgres refuses to run as root, so root runs it under an account without rights. */
export interface ServerAccount {
  name: string;
  uid: number;
  gid: number;
}

/** Undefined unless this process is root. `nobody` exists everywhere; `initdb` needs an account with a passwd entry. */
export function serverAccount(): ServerAccount | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  for (const wanted of ['nobody', 'postgres']) {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((entry) => entry.startsWith(`${wanted}:`));
    const [, , uid, gid] = line?.split(':') ?? [];
    // The C library takes 32 bits; macOS writes nobody as -2.
    if (uid !== undefined && gid !== undefined) return { name: wanted, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  throw new RZeroError(
    'SetupFailed',
    'Postgres does not run as root, and /etc/passwd has no account `nobody` to run it as.',
    {
      fix: 'Start as an ordinary user, or set DATABASE_URL to use a Postgres of your own.',
    },
  );
}

/** True when `account` may pass through every folder above and into `path`. */
export function isReachableBy(path: string, account: ServerAccount): boolean {
  for (let current = realpathSync(path); ; current = dirname(current)) {
    const { mode, uid, gid } = statSync(current);
    const executeBit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & executeBit) === 0) return false;
    if (current === dirname(current)) return true;
  }
}

/**
 * A folder of root's that other accounts can pass through, for clusters and programs whose own place is closed to them
 * (a checkout under /root, a data directory made by mktemp).
 */
export function rootOwnedStore(): string {
  for (const path of ['/var/lib/r-zero', '/var/tmp/r-zero']) {
    try {
      // With chmod, because a strict umask would close it again.
      if (mkdirSync(path, { recursive: true }) !== undefined) chmodSync(path, 0o711);
    } catch {
      // A read-only system partition; the next place may be writable.
      continue;
    }
    const { uid, mode } = lstatSync(path);
    // /var/tmp is open to all: never trust a folder that somebody else put there.
    if (uid === 0 && (mode & 0o022) === 0 && (mode & 0o001) !== 0) return path;
  }
  throw new RZeroError('SetupFailed', 'Neither /var/lib/r-zero nor /var/tmp/r-zero can be created.', {
    fix: 'Start as an ordinary user, use a data directory that account `nobody` can reach, or set DATABASE_URL.',
  });
}
