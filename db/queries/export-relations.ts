/** What an export holds: which rows of which tables, and in what order. */
import { getTableColumns, getTableName } from 'drizzle-orm';
import { getTableConfig } from 'drizzle-orm/pg-core';
import type { PgTable } from 'drizzle-orm/pg-core';
import * as schema from '../schema.ts';

export type ExportKind = 'dataset' | 'rollouts' | 'everything';
/** `current`: what the run goes by; `all`: with the rows that resets have superseded. */
export type ExportTakes = 'current' | 'all';

export interface Sketch {
  name: string;
  description: string;
  /** Columns that order the rows and tell them apart. */
  key: string[];
  /** Tables whose columns are taken, with their alias; of equal names the first. */
  tables: [alias: string, table: PgTable][];
  /** Columns of the tables to take, all when omitted; `name: new name`. */
  columns?: Record<string, string>;
  /** $1 is the run, $2 to $6 are the limits. */
  from: string;
}

/** Tables that no export holds, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  run_leases: 'which workflow may advance the run at the moment',
};

/** Rows of iterations up to the limit. */
const OF_RUN = 't.run_id = $1 and t.iteration <= $2';
/** The run's own rows, and those of the recomputations that there were. */
const KNOWN = '(t.recomputation_id is null or t.recomputation_id <= $3)';
/** Rows of the whole run that were there when the export began. */
const BY_THEN = 't.run_id = $1 and t.created_at <= $6';
const PLACE = ['iteration', 'phase', 'unit'];

const DATASET: Sketch = {
  name: 'dataset',
  description:
    'What the Solver was trained on: the kept questions with their pseudo-labels, and the truth where an oracle knows it.',
  key: ['iteration', 'dataset_index'],
  tables: [
    ['d', schema.gateDecisions],
    ['q', schema.questions],
    ['v', schema.votes],
    ['a', schema.audits],
  ],
  columns: {
    'q.iteration': 'iteration',
    'd.dataset_index': 'dataset_index',
    'q.question_id': 'question_id',
    'q.question': 'question',
    'v.label': 'label',
    'v.p_hat': 'p_hat',
    'v.majority': 'majority',
    'v.total': 'total',
    'a.truth': 'truth',
    'a.agrees': 'label_is_true',
    'q.challenger_answer': 'challenger_answer',
    'q.checkpoint_id': 'challenger_checkpoint',
    'q.seed': 'seed',
  },
  from: `r_zero.current_gate_decisions d
    join r_zero.questions q using (question_id)
    join r_zero.current_votes v using (question_id)
    left join r_zero.current_audits a on a.question_id = d.question_id and a.oracle = 'computed'
    where d.run_id = $1 and d.iteration <= $2 and d.kept`,
};

const ROLLOUTS: Sketch = {
  name: 'rollouts',
  description: 'What the Solver answered in training, with the rewards and log-probabilities that it was trained with.',
  key: ['iteration', 'step', 'item', 'sample'],
  tables: [
    ['t', schema.rollouts],
    ['q', schema.questions],
    ['w', schema.rewards],
  ],
  columns: {
    't.iteration': 'iteration',
    't.unit': 'step',
    't.item': 'item',
    't.sample': 'sample',
    't.rollout_id': 'rollout_id',
    't.question_id': 'question_id',
    'q.question': 'question',
    't.label': 'label',
    't.completion': 'completion',
    't.extracted': 'extracted',
    'w.total': 'reward',
    'w.accuracy': 'accuracy',
    'w.format': 'format',
    'w.advantage': 'advantage',
    't.finish_reason': 'finish_reason',
    't.tokens': 'tokens',
    't.logprobs': 'logprobs',
    't.checkpoint_id': 'checkpoint_id',
    't.seed': 'seed',
  },
  from: `r_zero.rollouts t join r_zero.questions q using (question_id)
    join r_zero.rewards w on w.rollout_id = t.rollout_id and w.recomputation_id is null
      and not exists (select from r_zero.rewards n where n.rollout_id = w.rollout_id and n.version > w.version
                      and n.recomputation_id is null)
    where ${OF_RUN} and t.phase = 'solver_training'`,
};

/** All of a table's columns behind those that place its rows, which it has by its parent only. */
const placed = (alias: string, names: readonly string[], table: PgTable): Record<string, string> =>
  Object.fromEntries([
    ...names.map((name) => [`${alias}.${name}`, name]),
    ...Object.values(getTableColumns(table)).map(({ name }) => [`t.${name}`, name]),
  ]) as Record<string, string>;

function everything(takes: ExportTakes): Sketch[] {
  const home = (table: PgTable): string =>
    `${takes === 'all' ? getTableConfig(table).schema : 'r_zero'}.${getTableName(table)}`;
  const plain = (table: PgTable, description: string, key: string[], where = OF_RUN): Sketch => ({
    name: getTableName(table),
    description,
    key,
    tables: [['t', table]],
    from: `${home(table)} t where ${where}`,
  });
  const { questions, votes, evaluations, evaluationItems, anchors, anchorAnswers, policyUpdates, audits } = schema;
  return [
    plain(schema.runs, 'The run: its settings, base model and prompts.', ['run_id'], 't.run_id = $1'),
    plain(schema.runInputs, 'Settings that were changed after the start, in full.', ['version'], BY_THEN),
    plain(
      schema.runStarts,
      'A workflow that opened the run, with its budget.',
      ['start_id'],
      't.run_id = $1 and t.started_at <= $6',
    ),
    plain(schema.runNotices, 'What the run noticed about itself.', ['notice_id'], BY_THEN),
    plain(schema.takes, 'A reset: everything from a phase on was done again.', ['take'], BY_THEN),
    plain(schema.experimentRuns, 'The cell of an experiment that the run is.', ['experiment_id', 'position'], BY_THEN),
    plain(schema.phases, 'The plan: how many units each phase of an iteration has.', ['iteration', 'phase', 'take']),
    plain(schema.units, 'A finished shard or step: the unit of loss.', [...PLACE, 'take']),
    plain(
      schema.attempts,
      'A start of work on a unit, finished or not.',
      [...PLACE, 'attempt_id'],
      `${OF_RUN} and exists (select from ${home(schema.phases)} p
         where (p.run_id, p.iteration, p.phase, p.take) = (t.run_id, t.iteration, t.phase, t.take))`,
    ),
    plain(
      schema.alarms,
      'What was judged at the end of a phase, and what was done about it.',
      ['iteration', 'phase', 'alarm', 'take'],
      `${OF_RUN} and t.created_at <= $6`,
    ),
    plain(
      schema.checkpoints,
      'A model on disk, named by its content.',
      ['checkpoint_id'],
      `t.checkpoint_id in (
         select base_checkpoint_id from r_zero.runs where run_id = $1
         union select checkpoint_after from ${home(policyUpdates)} where run_id = $1 and iteration <= $2
         union select checkpoint_id from r_zero.checkpoint_prunings where run_id = $1 and pruning_id <= $4)`,
    ),
    plain(
      schema.checkpointPrunings,
      'Files of a checkpoint that were deleted on purpose.',
      ['pruning_id'],
      't.run_id = $1 and t.pruning_id <= $4',
    ),
    plain(
      schema.evaluationSets,
      'Held-out questions, named sets and anchors, as stored with the run.',
      ['set_hash'],
      `t.set_hash in (
         select unnest(array[held_out_hash, anchor_hash]) from r_zero.runs where run_id = $1
         union select set_hash from r_zero.run_evaluation_sets where run_id = $1
         union select set_hash from ${home(evaluations)} where run_id = $1 and iteration <= $2
         union select set_hash from ${home(anchors)} where run_id = $1 and iteration <= $2)`,
    ),
    plain(questions, 'What the Challenger wrote, valid or not.', [...PLACE, 'item', 'take']),
    plain(schema.answers, 'One sampled Solver completion.', [...PLACE, 'question_id', 'sample', 'take']),
    {
      ...plain(votes, 'The majority of a question’s answers.', [...PLACE, 'item', 'question_id', 'version', 'take']),
      tables: [
        ['q', questions],
        ['t', votes],
      ],
      columns: placed('q', [...PLACE, 'item'], votes),
      from: `${home(questions)} q join ${home(votes)} t using (question_id)
        where q.run_id = $1 and q.iteration <= $2 and ${KNOWN}`,
    },
    plain(
      schema.gateDecisions,
      'Kept for training or not, and why.',
      ['iteration', 'question_id', 'version', 'take'],
      `${OF_RUN} and ${KNOWN}`,
    ),
    plain(schema.rollouts, 'A Solver completion in training.', [...PLACE, 'item', 'sample', 'take']),
    plain(
      schema.rewards,
      'What a question or a rollout earned, with all components.',
      [...PLACE, 'reward_id'],
      `${OF_RUN} and ${KNOWN}`,
    ),
    plain(policyUpdates, 'A training step: from which checkpoint to which.', [...PLACE, 'take']),
    plain(schema.runEvaluationSets, 'A named set of the run, and how it is asked.', ['position'], 't.run_id = $1'),
    plain(evaluations, 'The Solver on held-out questions.', ['iteration', 'set_name', 'mode', 'unit', 'take']),
    {
      ...plain(evaluationItems, 'Every sample of an evaluation.', ['iteration', 'evaluation_id', 'item', 'sample']),
      tables: [
        ['e', evaluations],
        ['t', evaluationItems],
      ],
      columns: placed('e', ['iteration', 'mode'], evaluationItems),
      from: `${home(evaluations)} e join ${home(evaluationItems)} t using (evaluation_id)
        where e.run_id = $1 and e.iteration <= $2`,
    },
    plain(schema.evaluationComparisons, 'How an evaluation differs from an earlier one.', [
      'iteration',
      'set_name',
      'measure',
      'against',
      'take',
    ]),
    plain(anchors, 'A question with a known answer and its vote: it trains nothing.', [...PLACE, 'item', 'take']),
    {
      ...plain(anchorAnswers, 'One sampled Solver completion for an anchor.', [
        ...PLACE,
        'item',
        'anchor_id',
        'sample',
      ]),
      tables: [
        ['n', anchors],
        ['t', anchorAnswers],
      ],
      columns: placed('n', [...PLACE, 'item'], anchorAnswers),
      from: `${home(anchors)} n join ${home(anchorAnswers)} t using (anchor_id)
        where n.run_id = $1 and n.iteration <= $2`,
    },
    plain(schema.oracles, 'A judge or a person who was asked about labels.', ['oracle_id'], BY_THEN),
    plain(
      audits,
      'A pseudo-label compared with an oracle.',
      ['iteration', 'audit_id'],
      `${OF_RUN} and t.audit_id <= $5`,
    ),
    plain(
      schema.recomputations,
      'The method applied once more to the stored texts.',
      ['version'],
      't.run_id = $1 and t.recomputation_id <= $3',
    ),
  ];
}

export function sketches(kind: ExportKind, takes: ExportTakes): readonly Sketch[] {
  if (kind === 'everything') return everything(takes);
  return [kind === 'dataset' ? DATASET : ROLLOUTS];
}
