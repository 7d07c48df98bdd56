/** A base backup of a Postgres server at work, as its manual describes it, and the server put back to it. */
import { execFile } from 'node:child_process';
import { chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type pg from 'pg';

const run = promisify(execFile);

/** Files that the server takes away meanwhile are missing in the copy, which is as it should be. */
const copyAll = (from: string, to: string): Promise<unknown> =>
  run('cp', ['-a', `${from}/.`, to]).catch((error: { stderr?: string }) => {
    const other = (error.stderr ?? '').split('\n').find((line) => line !== '' && !line.includes('No such file'));
    if (other !== undefined) throw new Error(other);
  });

/**
 * @param folders of the server: its data directory first, then those of its tablespaces
 * @param backup a folder, which is made anew
 */
export async function takeBackup(pool: pg.Pool, folders: readonly string[], backup: string): Promise<void> {
  rmSync(backup, { recursive: true, force: true });
  const copies = folders.map((_, index) => join(backup, String(index)));
  copies.forEach((copy) => mkdirSync(copy, { recursive: true }));
  const client = await pool.connect();
  try {
    await client.query(`select pg_backup_start('older', fast => true)`);
    for (const [index, folder] of folders.entries()) await copyAll(folder, copies[index]!);
    const stop = 'select labelfile from pg_backup_stop(wait_for_archive => false)';
    const { rows } = await client.query<{ labelfile: string }>(stop);
    // What was written while the files were copied makes them whole.
    await copyAll(join(folders[0]!, 'pg_wal'), join(copies[0]!, 'pg_wal'));
    const label = join(copies[0]!, 'backup_label');
    writeFileSync(label, rows[0]!.labelfile);
    const { uid, gid } = statSync(folders[0]!);
    chownSync(label, uid, gid);
    rmSync(join(copies[0]!, 'postmaster.pid'), { force: true });
  } finally {
    client.release();
  }
}

/** While the server does not run. */
export async function putBack(backup: string, folders: readonly string[]): Promise<void> {
  for (const [index, folder] of folders.entries()) {
    await run('find', [folder, '-mindepth', '1', '-delete']);
    await run('cp', ['-a', `${join(backup, String(index))}/.`, folder]);
  }
  rmSync(backup, { recursive: true });
}
