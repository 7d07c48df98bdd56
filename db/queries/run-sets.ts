import type pg from 'pg';
import { insertRows } from '../bulk.ts';
import { select } from '../client.ts';
import { runEvaluationSets } from '../schema.ts';

/** A named set of a run, as it was settled when the run began. */
export type RunSet = Omit<typeof runEvaluationSets.$inferSelect, 'createdAt'>;

export async function insertRunSets(client: pg.PoolClient, sets: readonly RunSet[]): Promise<void> {
  await insertRows(client, runEvaluationSets, sets);
}

/** In the order of the run's input. */
export const readRunSets = (connection: pg.Pool | pg.PoolClient, runId: string): Promise<RunSet[]> =>
  select<RunSet>(
    connection,
    `select run_id as "runId", position, set_name as "setName", loader, set_hash as "setHash", items, questions, samples,
            temperature, max_tokens as "maxTokens", grader, prompt, area, measure
     from r_zero.run_evaluation_sets where run_id = $1 order by position`,
    [runId],
  );
