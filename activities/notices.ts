/** What is worth a sentence when a run is opened that was there before. */
import type { ActivityDependencies } from './dependencies.ts';
import { orphanCheckpoints } from './retention/orphans.ts';
import { insertNotice } from '../db/queries/notices.ts';

/** Ids in a row; all of them are on disk, too. */
const MOST_IDS = 100;

/**
 * Looks for signs of a database that was restored from an older copy, and stores each as a row.
 *
 * @param behind what the workflow missed in the database
 * @param isNew the run itself was missing, and has just been made
 * @returns undefined when there is nothing to say
 */
export async function noticeLosses(
  { database, dataDir, codeVersion }: ActivityDependencies,
  runId: string,
  { behind, isNew }: { behind: string | undefined; isNew: boolean },
): Promise<string | undefined> {
  const said: string[] = [];
  const say = async (kind: 'database_behind' | 'orphan_checkpoints', message: string, details: object) => {
    said.push(message);
    await insertNotice(database, { runId, kind, message, details, codeVersion });
  };
  if (behind !== undefined) {
    const anew = ' The run begins anew with what the workflow was started with; settings changed since are lost.';
    const message = `The database knew less than the workflow. ${behind}${isNew ? anew : ''}`;
    await say('database_behind', message, { failure: behind });
  }
  const orphans = await orphanCheckpoints(database, { dataDir });
  if (orphans.length > 0) {
    const which = orphans.length === 1 ? 'A checkpoint on disk has' : `${orphans.length} checkpoints on disk have`;
    const message =
      `${which} no row: steps were interrupted, or the database was restored from an older copy. The run goes on from its ` +
      'last stored unit; steps that come to the same take them for their own.';
    await say('orphan_checkpoints', message, {
      checkpoints: orphans.length,
      checkpointIds: orphans.slice(0, MOST_IDS),
    });
  }
  return said.length === 0 ? undefined : said.join(' ');
}
