import type pg from 'pg';
import { asDatabaseError } from '../client.ts';

export interface AnchorVote {
  anchorId: number;
  question: string;
  label: string | null;
  /** Sampled for its vote. */
  tokens: number;
}

/** The anchors of an iteration, in the order of the set. */
export async function readAnchors(pool: pg.Pool, runId: string, iteration: number): Promise<AnchorVote[]> {
  try {
    const { rows } = await pool.query<{ anchor_id: string; question: string; label: string | null; tokens: number }>(
      `select a.anchor_id, a.question, a.label, s.tokens::int as tokens
       from r_zero.anchors a
       join lateral (select sum(cardinality(tokens)) as tokens from r_zero.anchor_answers where anchor_id = a.anchor_id) s on true
       where a.run_id = $1 and a.iteration = $2 order by a.item`,
      [runId, iteration],
    );
    return rows.map(({ anchor_id, ...rest }) => ({ anchorId: Number(anchor_id), ...rest }));
  } catch (error) {
    throw asDatabaseError(error);
  }
}
