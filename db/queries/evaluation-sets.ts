import type pg from 'pg';
import { insertRows } from '../bulk.ts';
import { asDatabaseError, select } from '../client.ts';
import { evaluationSets } from '../schema.ts';

export interface EvaluationSet {
  /** `choices` of a multiple choice, whose answer is a letter. */
  items: { question: string; answer: string; choices?: string[]; category?: string }[];
  /** sha-256 of the file it came from; of a named set, of its items. */
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

/** Some of its items. @param to the last, excluded */
export async function readSetItems(
  connection: pg.Pool | pg.PoolClient,
  hash: string,
  { from, to }: { from: number; to: number },
): Promise<EvaluationSet['items']> {
  const rows = await select<{ item: EvaluationSet['items'][number] }>(
    connection,
    `select e.item from r_zero.evaluation_sets s
     cross join lateral jsonb_array_elements(s.items) with ordinality e (item, place)
     where s.set_hash = $1 and e.place > $2 and e.place <= $3 order by e.place`,
    [hash, from, to],
  );
  return rows.map(({ item }) => item);
}
