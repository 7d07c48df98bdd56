/** What `r-zero audit verify` reads: every column of a run's own rows, in portions. */
import { getTableColumns, getTableName, is } from 'drizzle-orm';
import { PgTable, getTableConfig } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import * as schema from '../schema.ts';
import type { Place } from './units.ts';

/** Rows with their long texts that are in memory together. */
export const PORTION = 256;

export type QuestionRecord = typeof schema.questions.$inferSelect;
export type AnswerRecord = typeof schema.answers.$inferSelect;
export type VoteRecord = typeof schema.votes.$inferSelect;
export type DecisionRecord = typeof schema.gateDecisions.$inferSelect;
export type RolloutRecord = typeof schema.rollouts.$inferSelect;
export type RewardRecord = typeof schema.rewards.$inferSelect;
export type UpdateRecord = typeof schema.policyUpdates.$inferSelect;
export type EvaluationRecord = typeof schema.evaluations.$inferSelect;
export type EvaluationItemRecord = typeof schema.evaluationItems.$inferSelect;
export type AuditRecord = typeof schema.audits.$inferSelect;
export type AnchorRecord = typeof schema.anchors.$inferSelect;
export type AnchorAnswerRecord = typeof schema.anchorAnswers.$inferSelect;
export type OracleRecord = typeof schema.oracles.$inferSelect;
export type UnitRecord = typeof schema.units.$inferSelect;

/** One snapshot for the whole look, and no way to change anything by mistake. */
export async function beginReading(client: pg.PoolClient): Promise<void> {
  await client.query('set transaction isolation level repeatable read, read only');
  // Between two portions there may be minutes of work.
  await client.query(`set local idle_in_transaction_session_timeout = '1h'`);
}

const columnsOf = (table: PgTable) => Object.entries(getTableColumns(table));

async function select<T extends PgTable>(
  client: pg.Pool | pg.PoolClient,
  table: T,
  rest: string,
  values: unknown[],
  relation: string = getTableName(table),
): Promise<T['$inferSelect'][]> {
  const columns = columnsOf(table);
  const names = columns.map(([, column]) => `t."${column.name}"`).join(', ');
  const { rows } = await client.query<unknown[]>({
    text: `select ${names} from r_zero."${relation}" t ${rest}`,
    values,
    rowMode: 'array',
  });
  return rows.map((row) =>
    Object.fromEntries(
      columns.map(([key, column], index) => {
        const value = row[index];
        return [key, column.getSQLType() === 'bigint' && value !== null ? Number(value) : value];
      }),
    ),
  );
}

const AT = 'where t.run_id = $1 and t.iteration = $2 and t.phase = $3 and t.unit = $4';
const at = (place: Place) => [place.runId, place.iteration, place.phase, place.unit];

/** The rows of a unit a portion of items at a time; a portion may be empty where items are missing. */
async function* byItem<T extends PgTable>(
  client: pg.PoolClient,
  table: T,
  place: Place,
  order: string,
  portion: number,
): AsyncGenerator<T['$inferSelect'][]> {
  const { rows } = await client.query<{ last: number | null }>(
    `select max(item) as last from r_zero."${getTableName(table)}" t ${AT}`,
    at(place),
  );
  const last = rows[0]?.last ?? -1;
  for (let from = 0; from <= last; from += portion) {
    yield select(client, table, `${AT} and t.item >= $5 and t.item < $6 order by ${order}`, [
      ...at(place),
      from,
      from + portion,
    ]);
  }
}

export function unitQuestions(client: pg.PoolClient, place: Place): AsyncGenerator<QuestionRecord[]> {
  return byItem(client, schema.questions, place, 'item', PORTION);
}

/** Whole groups: all rollouts of an item come together. */
export function unitRollouts(client: pg.PoolClient, place: Place, groupSize: number): AsyncGenerator<RolloutRecord[]> {
  const items = Math.max(1, Math.floor(PORTION / groupSize));
  return byItem(client, schema.rollouts, place, 'item, sample', items);
}

/** Of a few questions. */
export function answersOf(client: pg.PoolClient, questionIds: readonly number[]): Promise<AnswerRecord[]> {
  return select(client, schema.answers, 'where t.question_id = any($1::bigint[]) order by question_id, sample', [
    questionIds,
  ]);
}

/** The run's own. */
export function votesOf(client: pg.PoolClient, questionIds: readonly number[]): Promise<VoteRecord[]> {
  return select(client, schema.votes, 'where t.question_id = any($1::bigint[])', [questionIds], 'current_votes');
}

/** Newest version of the run's own rewards: of a step's questions, or of some rollouts. */
export function rewardsOf(
  client: pg.PoolClient,
  subject: 'question_id' | 'rollout_id',
  ids: readonly number[],
): Promise<RewardRecord[]> {
  return select(
    client,
    schema.rewards,
    `where t.${subject} = any($1::bigint[]) and t.recomputation_id is null
       and not exists (select from r_zero.rewards n
                       where n.${subject} = t.${subject} and n.version > t.version and n.recomputation_id is null)`,
    [ids],
  );
}

/** The run's own, in no order. */
export function decisionsOf(client: pg.PoolClient, runId: string, iteration: number): Promise<DecisionRecord[]> {
  return select(
    client,
    schema.gateDecisions,
    'where t.run_id = $1 and t.iteration = $2',
    [runId, iteration],
    'current_gate_decisions',
  );
}

export function auditsOf(client: pg.PoolClient, runId: string, iteration: number): Promise<AuditRecord[]> {
  return select(
    client,
    schema.audits,
    'where t.run_id = $1 and t.iteration = $2',
    [runId, iteration],
    'current_audits',
  );
}

/** What judges and people said, in all versions. */
export function verdictsOf(client: pg.PoolClient, runId: string, iteration: number): Promise<AuditRecord[]> {
  return select(client, schema.audits, 'where t.run_id = $1 and t.iteration = $2 and t.oracle_id is not null', [
    runId,
    iteration,
  ]);
}

export function anchorsAt(client: pg.PoolClient, place: Place): Promise<AnchorRecord[]> {
  return select(client, schema.anchors, `${AT} order by item`, at(place));
}

/** Of a few anchors. */
export function anchorAnswersOf(client: pg.PoolClient, anchorIds: readonly number[]): Promise<AnchorAnswerRecord[]> {
  return select(client, schema.anchorAnswers, 'where t.anchor_id = any($1::bigint[]) order by anchor_id, sample', [
    anchorIds,
  ]);
}

export function oraclesOf(client: pg.PoolClient, runId: string): Promise<OracleRecord[]> {
  return select(client, schema.oracles, 'where t.run_id = $1 order by oracle_id', [runId]);
}

export function updatesOf(client: pg.PoolClient, runId: string): Promise<UpdateRecord[]> {
  return select(client, schema.policyUpdates, 'where t.run_id = $1 order by iteration, role, unit', [runId]);
}

export function unitsOf(client: pg.PoolClient, runId: string): Promise<UnitRecord[]> {
  return select(client, schema.units, 'where t.run_id = $1 order by iteration, phase, unit', [runId]);
}

export function phasesOf(client: pg.PoolClient, runId: string): Promise<(typeof schema.phases.$inferSelect)[]> {
  return select(client, schema.phases, 'where t.run_id = $1 order by iteration, phase', [runId]);
}

export function evaluationsOf(client: pg.PoolClient, place: Place): Promise<EvaluationRecord[]> {
  return select(client, schema.evaluations, AT, at(place));
}

export function evaluationComparisonsOf(
  client: pg.PoolClient,
  place: Place,
): Promise<(typeof schema.evaluationComparisons.$inferSelect)[]> {
  return select(client, schema.evaluationComparisons, `${AT} order by measure, against`, at(place));
}

export function readCheckpointRows(
  pool: pg.Pool,
  checkpointId: string,
): Promise<(typeof schema.checkpoints.$inferSelect)[]> {
  return select(pool, schema.checkpoints, 'where t.checkpoint_id = $1', [checkpointId]);
}

/** Items in the order of their number, samples together. */
export async function* evaluationItemsOf(
  client: pg.PoolClient,
  evaluationId: number,
  { from: first, to }: { from: number; to: number },
): AsyncGenerator<EvaluationItemRecord[]> {
  for (let from = first; from < to; from += PORTION) {
    yield evaluationItemsAt(client, evaluationId, { from, to: from + PORTION });
  }
}

export function evaluationItemsAt(
  client: pg.PoolClient,
  evaluationId: number,
  { from, to }: { from: number; to: number },
): Promise<EvaluationItemRecord[]> {
  return select(
    client,
    schema.evaluationItems,
    'where t.evaluation_id = $1 and t.item >= $2 and t.item < $3 order by item, sample',
    [evaluationId, from, to],
  );
}

/** The questions of a unit that were asked, in the order of items. */
export async function askedQuestions(
  client: pg.PoolClient,
  place: Place,
): Promise<{ questionId: number; item: number; question: string }[]> {
  const { rows } = await client.query<{ question_id: string; item: number; question: string }>(
    `select question_id, item, question from r_zero.questions t ${AT} and status = 'valid' order by item`,
    at(place),
  );
  return rows.map(({ question_id, ...rest }) => ({ questionId: Number(question_id), ...rest }));
}

/** What the rollouts of some items of a step were asked. */
export async function rolloutQuestions(
  client: pg.PoolClient,
  place: Place,
  items: { from: number; to: number },
): Promise<{ questionId: number; item: number; question: string }[]> {
  const { rows } = await client.query<{ question_id: string; item: number; question: string }>(
    `select distinct on (t.item) t.item, t.question_id, q.question
     from r_zero.rollouts t join r_zero.questions q using (question_id)
     ${AT} and t.item >= $5 and t.item < $6 order by t.item, t.sample`,
    [...at(place), items.from, items.to],
  );
  return rows.map(({ question_id, ...rest }) => ({ questionId: Number(question_id), ...rest }));
}

export function questionsAt(
  client: pg.PoolClient,
  place: Place,
  items: { from: number; to: number },
): Promise<QuestionRecord[]> {
  return select(client, schema.questions, `${AT} and t.item >= $5 and t.item < $6 order by item`, [
    ...at(place),
    items.from,
    items.to,
  ]);
}

export function rolloutsAt(
  client: pg.PoolClient,
  place: Place,
  items: { from: number; to: number },
): Promise<RolloutRecord[]> {
  return select(client, schema.rollouts, `${AT} and t.item >= $5 and t.item < $6 order by item, sample`, [
    ...at(place),
    items.from,
    items.to,
  ]);
}

/** Finished units that no finished attempt is recorded for. */
export async function unitsWithoutAttempt(
  client: pg.PoolClient,
  runId: string,
): Promise<{ iteration: number; phase: string; unit: number }[]> {
  const { rows } = await client.query<{ iteration: number; phase: string; unit: number }>(
    `select iteration, phase, unit from r_zero.units u
     where run_id = $1
       and not exists (select from r_zero.attempts a
                       where (a.run_id, a.iteration, a.phase, a.unit, a.take) = (u.run_id, u.iteration, u.phase, u.unit, u.take)
                         and a.outcome = 'finished')
     order by 1, 2, 3`,
    [runId],
  );
  return rows;
}

/** Dangling references of one foreign key that are told apart; beyond that only their number matters. */
const MOST_DANGLING = 1000;

export interface DanglingReference {
  table: string;
  row: Record<string, string | number>;
  columns: string[];
  refersTo: string;
  value: unknown[];
}

const TABLES = Object.values<unknown>(schema).filter((value): value is PgTable => is(value, PgTable));

/**
 * Rows of a run whose foreign keys lead nowhere: possible only when somebody has switched the database's own checks off. Rows
 * that name their run only through what is missing are told of whatever run is asked for.
 */
export async function* danglingReferences(client: pg.PoolClient, runId: string): AsyncGenerator<DanglingReference> {
  for (const table of TABLES) {
    const { schema: home, name, foreignKeys, columns } = getTableConfig(table);
    const key = primaryKeyOf(table);
    const hasRun = columns.some((column) => column.name === 'run_id');
    for (const foreignKey of foreignKeys) {
      const { columns: own, foreignColumns, foreignTable } = foreignKey.reference();
      const names = own.map((column) => column.name);
      const join = own.map((column, i) => `r."${foreignColumns[i]!.name}" = t."${column.name}"`).join(' and ');
      const present = names.map((column) => `t."${column}" is not null`).join(' and ');
      const { rows } = await client.query<Record<string, unknown>>(
        `select ${[...new Set([...key, ...names])].map((column) => `t."${column}"`).join(', ')} from "${home}"."${name}" t
         where ${present} and not exists (select from "${getTableConfig(foreignTable).schema}"."${getTableName(foreignTable)}" r where ${join})
         ${hasRun ? 'and t.run_id = $2' : 'and $2::text is not null'} limit $1`,
        [MOST_DANGLING, runId],
      );
      for (const row of rows) {
        yield {
          table: name,
          row: Object.fromEntries(key.map((column) => [column, row[column] as string | number])),
          columns: names,
          refersTo: getTableName(foreignTable),
          value: names.map((column) => row[column]),
        };
      }
    }
  }
}

function primaryKeyOf(table: PgTable): string[] {
  const { columns, primaryKeys } = getTableConfig(table);
  const [composite] = primaryKeys;
  return (composite?.columns ?? columns.filter((column) => column.primary)).map((column) => column.name);
}
