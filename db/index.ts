/** Entry point `temporal-r-zero/db`: the tables for drizzle, the connection and the migrations. */
export { openPool } from './client.ts';
export { assertSchemaCurrent, migrate } from './migrate.ts';
export * as schema from './schema.ts';
