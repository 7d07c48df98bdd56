import type pg from 'pg';
import { insertRows } from '../bulk.ts';
import { select, transaction } from '../client.ts';
import { audits, oracles } from '../schema.ts';

export interface AnchorVote {
  anchorId: number;
  question: string;
  label: string | null;
  /** Sampled for its vote. */
  tokens: number;
}

/** The anchors of an iteration, in the order of the set. */
export async function readAnchors(pool: pg.Pool, runId: string, iteration: number): Promise<AnchorVote[]> {
  const rows = await select<{ anchor_id: string; question: string; label: string | null; tokens: number }>(
    pool,
    `select a.anchor_id, a.question, a.label, s.tokens::int as tokens
     from r_zero.anchors a
     join lateral (select sum(cardinality(tokens)) as tokens from r_zero.anchor_answers where anchor_id = a.anchor_id) s on true
     where a.run_id = $1 and a.iteration = $2 order by a.item`,
    [runId, iteration],
  );
  return rows.map(({ anchor_id, ...rest }) => ({ anchorId: Number(anchor_id), ...rest }));
}

export interface VotedLabel {
  questionId: number;
  unit: number;
  item: number;
  question: string;
  label: string;
  majority: number;
  total: number;
}

/** All labels of an iteration with their votes, in natural order. */
export async function readVotedLabels(pool: pg.Pool, runId: string, iteration: number): Promise<VotedLabel[]> {
  const rows = await select<Omit<VotedLabel, 'questionId'> & { question_id: string }>(
    pool,
    `select q.question_id, q.unit, q.item, q.question, v.label, v.majority, v.total
     from r_zero.questions q join r_zero.current_votes v using (question_id)
     where q.run_id = $1 and q.iteration = $2 and q.phase = 'dataset_generation' and v.label is not null
     order by q.unit, q.item`,
    [runId, iteration],
  );
  return rows.map(({ question_id, ...rest }) => ({ questionId: Number(question_id), ...rest }));
}

/** Iterations of a run whose labelling is finished. */
export async function labelledIterations(pool: pg.Pool, runId: string): Promise<number[]> {
  const rows = await select<{ iteration: number }>(
    pool,
    `select iteration from r_zero.phase_progress
     where run_id = $1 and phase = 'labelling' and units_done = units order by 1`,
    [runId],
  );
  return rows.map(({ iteration }) => iteration);
}

export interface OracleRow {
  oracleId: number;
  oracle: string;
  version: number;
}

export async function findOracle(
  pool: pg.Pool,
  runId: string,
  oracle: string,
  definitionHash: string,
): Promise<OracleRow | undefined> {
  const rows = await select<{ oracle_id: string; version: number }>(
    pool,
    'select oracle_id, version from r_zero.oracles where run_id = $1 and oracle = $2 and definition_hash = $3',
    [runId, oracle, definitionHash],
  );
  const [row] = rows;
  return row && { oracleId: Number(row.oracle_id), oracle, version: row.version };
}

/** Stores a judge or a person as the next version of that name; of two that do so at once the first stays. */
export async function addOracle(pool: pg.Pool, row: Omit<typeof oracles.$inferInsert, 'version'>): Promise<OracleRow> {
  await transaction(pool, async (client) => {
    await client.query('select from r_zero.runs where run_id = $1 for update', [row.runId]);
    const { rows } = await client.query<{ next: number }>(
      'select coalesce(max(version), 0) + 1 as next from r_zero.oracles where run_id = $1 and oracle = $2',
      [row.runId, row.oracle],
    );
    await insertRows(client, oracles, [{ ...row, version: rows[0]!.next }], { onConflict: 'ignore' });
  });
  return (await findOracle(pool, row.runId, row.oracle, row.definitionHash)) as OracleRow;
}

/** Questions of an iteration of which an oracle's verdict is stored. */
export async function readAsked(pool: pg.Pool, oracleId: number, iteration: number): Promise<Set<number>> {
  const rows = await select<{ question_id: string }>(
    pool,
    'select question_id from r_zero.audits where oracle_id = $1 and iteration = $2',
    [oracleId, iteration],
  );
  return new Set(rows.map(({ question_id }) => Number(question_id)));
}

/**
 * Adds a verdict to the current take of its iteration; one that is there already stays.
 *
 * @returns false when the label is no longer the question's, because the run was reset meanwhile: then nothing is written
 */
export async function addVerdict(
  pool: pg.Pool,
  row: Omit<typeof audits.$inferInsert, 'take'> & { questionId: number },
): Promise<boolean> {
  return await transaction(pool, async (client) => {
    // A reset locks it, and marks what it finds.
    await client.query('select from r_zero.run_leases where run_id = $1 for share', [row.runId]);
    const { rows } = await client.query<{ take: number }>(
      `select p.take from r_zero.phases p
       where p.run_id = $1 and p.iteration = $2 and p.phase = $3
         and exists (select from r_zero.questions q join r_zero.current_votes v using (question_id)
                     where q.question_id = $4 and v.label = $5)`,
      [row.runId, row.iteration, row.phase, row.questionId, row.label],
    );
    const [phase] = rows;
    if (phase) await insertRows(client, audits, [{ ...row, take: phase.take }], { onConflict: 'ignore' });
    return phase !== undefined;
  });
}

export interface Spent {
  calls: number;
  tokens: number;
}

/** What a judge has cost a run in all of its versions and all takes, self-tests included. */
export async function readSpent(pool: pg.Pool, runId: string, oracle: string): Promise<Spent> {
  const [row] = await select<{ calls: string; tokens: string }>(
    pool,
    `select coalesce(sum(calls), 0) as calls, coalesce(sum(tokens), 0) as tokens from (
       select calls, prompt_tokens + completion_tokens as tokens from r_zero_all.audits where run_id = $1 and oracle = $2
       union all
       select (self_test ->> 'calls')::int, (self_test ->> 'promptTokens')::int + (self_test ->> 'completionTokens')::int
       from r_zero.oracles where run_id = $1 and oracle = $2) spent`,
    [runId, oracle],
  );
  return { calls: Number(row!.calls), tokens: Number(row!.tokens) };
}

export interface LabelAccuracy {
  iteration: number;
  oracle: string;
  /** Null: all labels. */
  kept: boolean | null;
  labelled: number;
  audited: number;
  undecided: number;
  label_accuracy: number | null;
  lower: number | null;
  upper: number | null;
}

/** Estimates of all oracles, by iteration; those of the training set, and of all labels. */
export function readLabelAccuracy(pool: pg.Pool, runId: string): Promise<LabelAccuracy[]> {
  return select<LabelAccuracy>(
    pool,
    `select iteration, oracle, kept, labelled, audited, undecided, label_accuracy, lower, upper
     from r_zero.label_accuracy where run_id = $1 and kept is distinct from false
     order by iteration, oracle, kept nulls last`,
    [runId],
  );
}
