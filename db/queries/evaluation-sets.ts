import type pg from 'pg';
import { insertRows } from '../bulk.ts';
import { asDatabaseError } from '../client.ts';
import { evaluationSets } from '../schema.ts';

export interface EvaluationSet {
  items: { question: string; answer: string }[];
  /** sha-256 of the file it came from. */
  hash: string;
}

export async function insertEvaluationSet(client: pg.PoolClient, set: EvaluationSet): Promise<void> {
  await insertRows(client, evaluationSets, [{ setHash: set.hash, items: set.items }], { onConflict: 'ignore' });
}

/** A set of a run, as it was when the run began; undefined when it has none. */
export async function readQuestionSet(pool: pg.Pool, hash: string | null): Promise<EvaluationSet | undefined> {
  if (hash === null) return undefined;
  try {
    const result = await pool.query<{ items: EvaluationSet['items'] }>(
      'select items from r_zero.evaluation_sets where set_hash = $1',
      [hash],
    );
    const items = result.rows[0]?.items;
    return items && { items, hash };
  } catch (error) {
    throw asDatabaseError(error);
  }
}
