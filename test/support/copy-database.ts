import type pg from 'pg';

/** Makes one database the copy of another, as it stands, whoever is connected to either. Settings of the database itself are not copied. */
export async function copyDatabase(admin: pg.Pool, from: string, to: string): Promise<void> {
  await admin.query(`drop database if exists ${to} with (force)`);
  await admin.query(`alter database ${from} allow_connections false`);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [from]);
  await admin.query(`create database ${to} template ${from} allow_connections true`);
  await admin.query(`alter database ${from} allow_connections true`);
}
