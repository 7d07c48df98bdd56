import { ensurePostgresServer } from '../../infra/dev-stack/postgres-server.ts';
import { prepareDataDir, readStackState, writeStackState } from '../../infra/dev-stack/stack-state.ts';

/** Starts a Postgres server of its own in `dataDir`; `destroyStack` ends it. @returns its address */
export async function startPostgres(dataDir: string): Promise<string> {
  const paths = prepareDataDir(dataDir);
  const state = readStackState(paths);
  const { databaseUrl } = await ensurePostgresServer({
    paths,
    remembered: undefined,
    env: {},
    onEvent: () => undefined,
    remember: (postgres) => writeStackState(paths, Object.assign(state, { postgres })),
  });
  return databaseUrl;
}
