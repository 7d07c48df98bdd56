/** Diversity in meaning: what is measured, what that has cost, and what came of it, in the metrics of its units. */
import type pg from 'pg';
import { select } from '../client.ts';

/** The questions of the data generation that could be parsed, in natural order. */
export async function readValidQuestions(pool: pg.Pool, runId: string, iteration: number): Promise<string[]> {
  const rows = await select<{ question: string }>(
    pool,
    `select question from r_zero.questions
     where run_id = $1 and iteration = $2 and phase = 'dataset_generation' and status = 'valid' order by unit, item`,
    [runId, iteration],
  );
  return rows.map(({ question }) => question);
}

/** Requests of the run so far, those of what was done again included. */
export async function readEmbeddingCalls(pool: pg.Pool, runId: string): Promise<number> {
  const [row] = await select<{ calls: number }>(
    pool,
    `select coalesce(sum((metrics ->> 'embeddingCalls')::int), 0)::int as calls
     from r_zero_all.units where run_id = $1 and phase = 'audit'`,
    [runId],
  );
  return row!.calls;
}

export interface SemanticRow {
  iteration: number;
  questions: number;
  /** Mean cosine distance of all pairs, and its standard error. */
  distance: number;
  error: number;
  /** Vendi score of order 2. */
  vendi: number;
}

/** Of every iteration in which it was measured. */
export const readSemanticDiversity = (connection: pg.Pool | pg.PoolClient, runId: string): Promise<SemanticRow[]> =>
  select(
    connection,
    `select iteration, (metrics ->> 'embedded')::int as questions, (metrics ->> 'semanticDistance')::float8 as distance,
            (metrics ->> 'semanticDistanceError')::float8 as error, (metrics ->> 'semanticVendi')::float8 as vendi
     from r_zero.units where run_id = $1 and phase = 'audit' and metrics ? 'semanticDistance' order by iteration`,
    [runId],
  );
