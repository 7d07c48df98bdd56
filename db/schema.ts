/**
 * The tables of schema `r_zero`. Every row that a shard or step produced refers to that unit's row in `units`, which is
 * written in the same transaction: a unit is there with all its rows or not at all, and no row is without its unit.
 * Rows are append-only; a corrected vote, reward or decision is a new row with the next `version`. What is done again after a reset
 * are rows of the next take; those of the takes before stay and are marked as superseded, once.
 */
import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  boolean,
  check,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  real,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
} from 'drizzle-orm/pg-core';

export const rZero = pgSchema('r_zero');
/**
 * What a run may do again: here lie the rows of all takes, and views of the same names in `r_zero` show the current ones, so that
 * whoever asks `r_zero.questions` never counts a question twice.
 */
export const rZeroAll = pgSchema('r_zero_all');

const id = (name: string) => bigint(name, { mode: 'number' });
const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
const createdAt = () => instant('created_at').notNull().defaultNow();

/** Which doing of its phase a row is of: 1 the first, and one more after every reset of the run that reached it. */
const take = () => integer('take').notNull().default(1);
/** The take that does it again; null for current rows. */
const supersededBy = () => integer('superseded_by');

/** The columns that place a row: which run, iteration, phase and unit (shard or step) it came from. */
const place = () => ({
  runId: text('run_id').notNull(),
  iteration: integer('iteration').notNull(),
  phase: text('phase').notNull(),
  unit: integer('unit').notNull(),
  take: take(),
});

export const checkpoints = rZero.table(
  'checkpoints',
  {
    checkpointId: text('checkpoint_id').primaryKey(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    optimizerStep: integer('optimizer_step').notNull(),
    location: text('location').notNull(),
    files: jsonb('files').notNull(),
    /** What adapters lie on; null for a checkpoint of weights. */
    baseCheckpointId: text('base_checkpoint_id').references((): AnyPgColumn => checkpoints.checkpointId),
    createdAt: createdAt(),
  },
  (t) => [
    index('checkpoints_base').on(t.baseCheckpointId),
    check('checkpoints_id_is_sha256', sql`${t.checkpointId} ~ '^[0-9a-f]{64}$'`),
    check('checkpoints_bytes_positive', sql`${t.bytes} > 0`),
  ],
);

/**
 * Files of checkpoints that were deleted on purpose, written before the first of them goes. A checkpoint may be written again, and
 * pruned again.
 */
export const checkpointPrunings = rZero.table(
  'checkpoint_prunings',
  {
    pruningId: id('pruning_id').primaryKey().generatedAlwaysAsIdentity(),
    checkpointId: text('checkpoint_id')
      .notNull()
      .references(() => checkpoints.checkpointId),
    /** `weights`: everything but the manifest; `optimizer`: the moments alone. */
    what: text('what').notNull(),
    /** Whose retention policy it was. */
    runId: text('run_id')
      .notNull()
      .references((): AnyPgColumn => runs.runId),
    policy: text('policy').notNull(),
    /** Of the files to delete. */
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    codeVersion: text('code_version').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    index('checkpoint_prunings_checkpoint').on(t.checkpointId),
    check('checkpoint_prunings_what', sql`${t.what} in ('weights', 'optimizer')`),
  ],
);

/** Question sets that runs are evaluated on, or that audit their labels, kept whole: what changes on disk must not change a run. */
export const evaluationSets = rZero.table('evaluation_sets', {
  setHash: text('set_hash').primaryKey(),
  items: jsonb('items').notNull(),
  createdAt: createdAt(),
});

export const runs = rZero.table(
  'runs',
  {
    runId: text('run_id').primaryKey(),
    seed: bigint('seed', { mode: 'number' }).notNull(),
    preset: text('preset').notNull(),
    presetVersion: integer('preset_version').notNull(),
    control: text('control').notNull(),
    iterations: integer('iterations').notNull(),
    status: text('status').notNull(),
    statusReason: text('status_reason'),
    config: jsonb('config').notNull(),
    baseCheckpointId: text('base_checkpoint_id')
      .notNull()
      .references(() => checkpoints.checkpointId),
    /** Held-out questions; null when the model came without any. */
    heldOutHash: text('held_out_hash').references(() => evaluationSets.setHash),
    /** Known-answer questions that are voted on beside the others; null when the run has none. */
    anchorHash: text('anchor_hash').references(() => evaluationSets.setHash),
    profile: jsonb('profile').notNull(),
    profileHash: text('profile_hash').notNull(),
    /** What ran the arithmetic, as reported by the first unit that used a model. */
    engine: jsonb('engine'),
    codeVersion: text('code_version').notNull(),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [
    check(
      'runs_status',
      sql`${t.status} in ('running', 'paused', 'parked', 'waiting', 'completed', 'failed', 'cancelled')`,
    ),
    check('runs_iterations_positive', sql`${t.iterations} >= 1`),
  ],
);

/** The named question sets that a run is evaluated on beside its model's held-out questions, settled when the run began. */
export const runEvaluationSets = rZero.table(
  'run_evaluation_sets',
  {
    runId: text('run_id')
      .notNull()
      .references(() => runs.runId),
    /** In the order of the run input, from 0. */
    position: smallint('position').notNull(),
    setName: text('set_name').notNull(),
    /** How its file was read and its questions are asked (activities/evaluation-sets/loaders.ts). */
    loader: text('loader').notNull(),
    setHash: text('set_hash')
      .notNull()
      .references(() => evaluationSets.setHash),
    /** In the set, and of these asked, from the front. */
    items: integer('items').notNull(),
    questions: integer('questions').notNull(),
    /** Per question beside the greedy answer. */
    samples: integer('samples').notNull(),
    temperature: doublePrecision('temperature').notNull(),
    maxTokens: integer('max_tokens').notNull(),
    grader: text('grader').notNull(),
    /** Around `{question}`; null: the Solver's own. */
    prompt: text('prompt'),
    /** What counts in averages: `math`, `general` or `other`, and `greedy` or `mean`. */
    area: text('area').notNull(),
    measure: text('measure').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.position] }),
    unique('run_evaluation_sets_name').on(t.runId, t.setName),
    check('run_evaluation_sets_counts', sql`${t.questions} between 1 and ${t.items} and ${t.samples} >= 0`),
    check('run_evaluation_sets_area', sql`${t.area} in ('math', 'general', 'other')`),
    check('run_evaluation_sets_measure', sql`${t.measure} in ('greedy', 'mean')`),
  ],
);

export const runLeases = rZero.table('run_leases', {
  runId: text('run_id')
    .primaryKey()
    .references(() => runs.runId),
  namespace: text('namespace').notNull(),
  workflowId: text('workflow_id').notNull(),
  temporalRunId: text('temporal_run_id').notNull(),
  acquiredAt: instant('acquired_at').notNull().defaultNow(),
  renewedAt: instant('renewed_at').notNull().defaultNow(),
});

/** Every workflow that opened a run: a night, when a schedule starts it. Its budget is spent by what is done from then to the next start. */
export const runStarts = rZero.table(
  'run_starts',
  {
    startId: id('start_id').primaryKey().generatedAlwaysAsIdentity(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.runId),
    namespace: text('namespace').notNull(),
    workflowId: text('workflow_id').notNull(),
    /** The same for all executions of one start: continue-as-new and reset make new ones. */
    firstExecutionId: text('first_execution_id').notNull(),
    /** Null when nothing limits it. */
    budget: jsonb('budget'),
    startedAt: instant('started_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    endedAt: instant('ended_at'),
    endStatus: text('end_status'),
    endReason: text('end_reason'),
  },
  (t) => [
    unique('run_starts_execution').on(t.runId, t.namespace, t.firstExecutionId),
    check('run_starts_end', sql`(${t.endedAt} is null) = (${t.endStatus} is null)`),
  ],
);

/** The cells of experiments: which runs belong together, and what each was to be started with. */
export const experimentRuns = rZero.table(
  'experiment_runs',
  {
    experimentId: text('experiment_id').notNull(),
    /** In the order in which they run, from 0. */
    position: integer('position').notNull(),
    setting: text('setting').notNull(),
    seed: bigint('seed', { mode: 'number' }).notNull(),
    iterations: integer('iterations').notNull(),
    /** No foreign key: the run is made when its turn comes. */
    runId: text('run_id').notNull().unique(),
    /** Of `rZeroRun`, without `runId`, `seed` and `iterations`. */
    input: jsonb('input').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.experimentId, t.position] }),
    unique('experiment_runs_cell').on(t.experimentId, t.setting, t.seed),
  ],
);

/** Resets: everything of a run from a phase of an iteration on is done again, in the take of that number. */
export const takes = rZero.table(
  'takes',
  {
    runId: text('run_id')
      .notNull()
      .references(() => runs.runId),
    take: integer('take').notNull(),
    iteration: integer('iteration').notNull(),
    phase: text('phase').notNull(),
    reason: text('reason'),
    requestedBy: text('requested_by').notNull(),
    /** Of the run's input from here on; the row of `run_inputs` says what changed. */
    inputVersion: integer('input_version').notNull(),
    /** Rows that were marked, by table. */
    superseded: jsonb('superseded').notNull(),
    codeVersion: text('code_version').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.take] }),
    check('takes_take', sql`${t.take} >= 2`),
    check('takes_iteration', sql`${t.iteration} >= 0`),
  ],
);

/** Settings that were changed after a run was started: its input from then on. Version 1 is `runs.config`. */
export const runInputs = rZero.table(
  'run_inputs',
  {
    runId: text('run_id')
      .notNull()
      .references(() => runs.runId),
    version: integer('version').notNull(),
    /** In full. */
    config: jsonb('config').notNull(),
    /** `{"field": {"from": value, "to": value}}`, fields as paths. */
    changes: jsonb('changes').notNull(),
    reason: text('reason'),
    requestedBy: text('requested_by').notNull(),
    codeVersion: text('code_version').notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.version] }), check('run_inputs_version', sql`${t.version} >= 2`)],
);

/** What a run noticed about itself that a person should know. */
export const runNotices = rZero.table(
  'run_notices',
  {
    noticeId: id('notice_id').primaryKey().generatedAlwaysAsIdentity(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.runId),
    kind: text('kind').notNull(),
    message: text('message').notNull(),
    details: jsonb('details').notNull(),
    codeVersion: text('code_version').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    index('run_notices_run').on(t.runId),
    check('run_notices_kind', sql`${t.kind} in ('orphan_checkpoints', 'database_behind')`),
  ],
);

export const phases = rZeroAll.table(
  'phases',
  {
    runId: text('run_id')
      .notNull()
      .references(() => runs.runId),
    iteration: integer('iteration').notNull(),
    phase: text('phase').notNull(),
    take: take(),
    units: integer('units').notNull(),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.iteration, t.phase, t.take] }),
    // One current plan.
    uniqueIndex('phases_current')
      .on(t.runId, t.iteration, t.phase)
      .where(sql`${t.supersededBy} is null`),
    check('phases_iteration', sql`${t.iteration} >= 0`),
    check('phases_units', sql`${t.units} >= 0`),
    check(
      'phases_phase',
      sql`${t.phase} in ('challenger_training', 'dataset_generation', 'labelling', 'gating', 'solver_training', 'evaluation', 'audit')`,
    ),
  ],
);

/** What was judged when a phase had ended: every alarm, raised or not, with the numbers and what was done. */
export const alarms = rZeroAll.table(
  'alarms',
  {
    runId: text('run_id').notNull(),
    iteration: integer('iteration').notNull(),
    phase: text('phase').notNull(),
    take: take(),
    alarm: text('alarm').notNull(),
    raised: boolean('raised').notNull(),
    action: text('action').notNull(),
    value: doublePrecision('value'),
    threshold: doublePrecision('threshold').notNull(),
    message: text('message').notNull(),
    /** Under which start; null for runs of before starts were stored. */
    startId: id('start_id').references(() => runStarts.startId),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.iteration, t.phase, t.take, t.alarm] }),
    foreignKey({
      name: 'alarms_phase_fk',
      columns: [t.runId, t.iteration, t.phase, t.take],
      foreignColumns: [phases.runId, phases.iteration, phases.phase, phases.take],
    }),
    check('alarms_action', sql`${t.action} in ('off', 'note', 'pause', 'stop', 'rollback')`),
  ],
);

export const units = rZeroAll.table(
  'units',
  {
    ...place(),
    seconds: doublePrecision('seconds').notNull(),
    metrics: jsonb('metrics').notNull(),
    /** What ran the arithmetic; null for work without a model. */
    engine: jsonb('engine'),
    /** Sampled by the attempt that finished it; null for units from before they were counted. */
    tokens: bigint('tokens', { mode: 'number' }),
    /** That finished it; null for units from before it was stored, which are of the run's or a later version. */
    codeVersion: text('code_version'),
    /** Of the run's input: 1 what it was started with, else a version of `run_inputs`. */
    inputVersion: integer('input_version').notNull().default(1),
    supersededBy: supersededBy(),
    finishedAt: instant('finished_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.iteration, t.phase, t.unit, t.take] }),
    foreignKey({
      name: 'units_phase_fk',
      columns: [t.runId, t.iteration, t.phase, t.take],
      foreignColumns: [phases.runId, phases.iteration, phases.phase, phases.take],
    }),
  ],
);

export const attempts = rZero.table(
  'attempts',
  {
    attemptId: id('attempt_id').primaryKey().generatedAlwaysAsIdentity(),
    ...place(),
    attempt: integer('attempt').notNull(),
    workflowId: text('workflow_id').notNull(),
    workerPid: integer('worker_pid').notNull(),
    startedAt: instant('started_at').notNull().defaultNow(),
    /** Last sign of life while it works. */
    seenAt: instant('seen_at'),
    finishedAt: instant('finished_at'),
    outcome: text('outcome'),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
  },
  (t) => [
    foreignKey({
      name: 'attempts_phase_fk',
      columns: [t.runId, t.iteration, t.phase, t.take],
      foreignColumns: [phases.runId, phases.iteration, phases.phase, phases.take],
    }),
    index('attempts_place').on(t.runId, t.iteration, t.phase, t.unit),
    check(
      'attempts_outcome',
      sql`${t.outcome} is null or ${t.outcome} in ('finished', 'superseded', 'failed', 'cancelled')`,
    ),
  ],
);

const unitKey = (name: string, t: Record<'runId' | 'iteration' | 'phase' | 'unit' | 'take', AnyPgColumn>) =>
  foreignKey({
    name,
    columns: [t.runId, t.iteration, t.phase, t.unit, t.take],
    foreignColumns: [units.runId, units.iteration, units.phase, units.unit, units.take],
  });

export const questions = rZeroAll.table(
  'questions',
  {
    questionId: id('question_id').primaryKey().generatedAlwaysAsIdentity(),
    ...place(),
    item: integer('item').notNull(),
    groupIndex: integer('group_index'),
    checkpointId: text('checkpoint_id')
      .notNull()
      .references(() => checkpoints.checkpointId),
    seed: text('seed').notNull(),
    completion: text('completion').notNull(),
    tokens: integer('tokens').array().notNull(),
    logprobs: real('logprobs').array().notNull(),
    finishReason: text('finish_reason').notNull(),
    status: text('status').notNull(),
    reason: text('reason'),
    question: text('question'),
    challengerAnswer: text('challenger_answer'),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    unique('questions_natural_key').on(t.runId, t.iteration, t.phase, t.unit, t.item, t.take),
    // What counts of questions read, without their texts.
    index('questions_current')
      .on(t.runId, t.phase, t.iteration, t.questionId, t.status, t.reason)
      .where(sql`${t.supersededBy} is null`),
    unitKey('questions_unit_fk', t),
    check('questions_phase', sql`${t.phase} in ('challenger_training', 'dataset_generation')`),
    check('questions_status', sql`${t.status} in ('valid', 'invalid')`),
    check(
      'questions_valid_has_text',
      sql`(${t.status} = 'valid') = (${t.question} is not null and ${t.reason} is null)`,
    ),
    check('questions_finish_reason', sql`${t.finishReason} in ('stop', 'length')`),
  ],
);

export const answers = rZeroAll.table(
  'answers',
  {
    answerId: id('answer_id').primaryKey().generatedAlwaysAsIdentity(),
    ...place(),
    questionId: id('question_id')
      .notNull()
      .references(() => questions.questionId),
    sample: smallint('sample').notNull(),
    checkpointId: text('checkpoint_id')
      .notNull()
      .references(() => checkpoints.checkpointId),
    seed: text('seed').notNull(),
    completion: text('completion').notNull(),
    tokens: integer('tokens').array().notNull(),
    finishReason: text('finish_reason').notNull(),
    extracted: text('extracted'),
    /** Mean natural log-probability of its tokens; null without tokens, and for answers from before it was stored. */
    meanLogprob: doublePrecision('mean_logprob'),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    unique('answers_natural_key').on(t.questionId, t.sample, t.take),
    unitKey('answers_unit_fk', t),
    index('answers_place').on(t.runId, t.iteration, t.phase, t.unit),
    check('answers_phase', sql`${t.phase} in ('challenger_training', 'labelling')`),
    check('answers_finish_reason', sql`${t.finishReason} in ('stop', 'length')`),
  ],
);

/**
 * The method applied once more to a run's stored texts, under another preset or another version of the code. Its votes, decisions
 * and rewards are rows of the next `version` that refer to it; what the run itself computed and acted upon refers to none.
 */
export const recomputations = rZero.table(
  'recomputations',
  {
    recomputationId: id('recomputation_id').primaryKey().generatedAlwaysAsIdentity(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.runId),
    /** Of all of its rows. The run's own are version 1. */
    version: smallint('version').notNull(),
    preset: text('preset').notNull(),
    presetVersion: integer('preset_version').notNull(),
    /** The gate policy in full. */
    gate: jsonb('gate').notNull(),
    codeVersion: text('code_version').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    unique('recomputations_run_version').on(t.runId, t.version),
    check('recomputations_version', sql`${t.version} >= 2`),
  ],
);

const recomputationId = () => id('recomputation_id');

const recomputationKeys = (table: string, t: Record<'recomputationId', AnyPgColumn>) => [
  foreignKey({
    name: `${table}_recomputation_fk`,
    columns: [t.recomputationId],
    foreignColumns: [recomputations.recomputationId],
  }),
  index(`${table}_recomputation`)
    .on(t.recomputationId)
    .where(sql`${t.recomputationId} is not null`),
];

/** Versions of a run's own beyond the first, of which there are next to none: what asks for the newest looks here. */
const corrections = (
  table: string,
  t: Record<'questionId' | 'version' | 'recomputationId' | 'supersededBy', AnyPgColumn>,
) =>
  index(`${table}_corrected`)
    .on(t.questionId)
    .where(sql`${t.version} > 1 and ${t.recomputationId} is null and ${t.supersededBy} is null`);

export const votes = rZeroAll.table(
  'votes',
  {
    questionId: id('question_id')
      .notNull()
      .references(() => questions.questionId),
    version: smallint('version').notNull().default(1),
    /** That of the answers. */
    take: take(),
    preset: text('preset').notNull(),
    label: text('label'),
    majority: integer('majority').notNull(),
    total: integer('total').notNull(),
    pHat: doublePrecision('p_hat').generatedAlwaysAs(
      sql`case when total > 0 then majority::double precision / total end`,
    ),
    /** Votes of the largest class less those of the next. */
    margin: integer('margin').generatedAlwaysAs(
      sql`coalesce((classes -> 0 ->> 'count')::integer, 0) - coalesce((classes -> 1 ->> 'count')::integer, 0)`,
    ),
    /** Nats over the classes; null for votes from before it was stored, like `incomparable`. */
    entropy: doublePrecision('entropy'),
    unparsable: integer('unparsable').notNull(),
    /** Answers beyond the grader's bounds, compared as text or not at all. */
    incomparable: integer('incomparable'),
    tie: boolean('tie').notNull(),
    classes: jsonb('classes').notNull(),
    recomputationId: recomputationId(),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.questionId, t.version, t.take] }),
    ...recomputationKeys('votes', t),
    corrections('votes', t),
    check('votes_counts', sql`${t.majority} >= 0 and ${t.majority} <= ${t.total} and ${t.unparsable} >= 0`),
    check('votes_label', sql`(${t.label} is null) = (${t.majority} = 0)`),
  ],
);

export const gateDecisions = rZeroAll.table(
  'gate_decisions',
  {
    ...place(),
    questionId: id('question_id')
      .notNull()
      .references(() => questions.questionId),
    version: smallint('version').notNull().default(1),
    kept: boolean('kept').notNull(),
    reason: text('reason').notNull(),
    policy: text('policy').notNull(),
    policyVersion: integer('policy_version').notNull(),
    inputs: jsonb('inputs').notNull(),
    /** Place in the training set, 0-based; null when dropped. */
    datasetIndex: integer('dataset_index'),
    recomputationId: recomputationId(),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.questionId, t.version, t.take] }),
    ...recomputationKeys('gate_decisions', t),
    corrections('gate_decisions', t),
    unitKey('gate_decisions_unit_fk', t),
    unique('gate_decisions_dataset_index').on(t.runId, t.iteration, t.version, t.datasetIndex, t.take),
    check(
      'gate_decisions_kept',
      sql`${t.kept} = (${t.reason} = 'kept') and ${t.kept} = (${t.datasetIndex} is not null)`,
    ),
  ],
);

export const rollouts = rZeroAll.table(
  'rollouts',
  {
    rolloutId: id('rollout_id').primaryKey().generatedAlwaysAsIdentity(),
    ...place(),
    item: integer('item').notNull(),
    sample: smallint('sample').notNull(),
    questionId: id('question_id')
      .notNull()
      .references(() => questions.questionId),
    label: text('label').notNull(),
    checkpointId: text('checkpoint_id')
      .notNull()
      .references(() => checkpoints.checkpointId),
    seed: text('seed').notNull(),
    completion: text('completion').notNull(),
    tokens: integer('tokens').array().notNull(),
    logprobs: real('logprobs').array().notNull(),
    finishReason: text('finish_reason').notNull(),
    extracted: text('extracted'),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    unique('rollouts_natural_key').on(t.runId, t.iteration, t.phase, t.unit, t.item, t.sample, t.take),
    unitKey('rollouts_unit_fk', t),
    index('rollouts_question').on(t.questionId),
    check('rollouts_phase', sql`${t.phase} = 'solver_training'`),
    check('rollouts_finish_reason', sql`${t.finishReason} in ('stop', 'length')`),
  ],
);

export const rewards = rZeroAll.table(
  'rewards',
  {
    rewardId: id('reward_id').primaryKey().generatedAlwaysAsIdentity(),
    ...place(),
    role: text('role').notNull(),
    questionId: id('question_id').references(() => questions.questionId),
    rolloutId: id('rollout_id').references(() => rollouts.rolloutId),
    version: smallint('version').notNull().default(1),
    /** What the policy was trained with. */
    total: doublePrecision('total').notNull(),
    /** What the method computed; differs from `total` in control runs only. */
    computed: doublePrecision('computed').notNull(),
    uncertainty: doublePrecision('uncertainty'),
    repetition: doublePrecision('repetition'),
    clusterSize: integer('cluster_size'),
    format: doublePrecision('format').notNull(),
    accuracy: doublePrecision('accuracy'),
    /** The Solver's answer was beyond the grader's bounds; null for the Challenger and for older rewards. */
    incomparable: boolean('incomparable'),
    advantage: doublePrecision('advantage').notNull(),
    recomputationId: recomputationId(),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    ...recomputationKeys('rewards', t),
    unique('rewards_question').on(t.questionId, t.version),
    unique('rewards_rollout').on(t.rolloutId, t.version),
    unitKey('rewards_unit_fk', t),
    index('rewards_place').on(t.runId, t.iteration, t.phase, t.unit),
    check('rewards_role', sql`${t.role} in ('challenger', 'solver')`),
    check(
      'rewards_subject',
      sql`(${t.questionId} is not null) = (${t.role} = 'challenger') and (${t.rolloutId} is not null) = (${t.role} = 'solver')`,
    ),
  ],
);

export const policyUpdates = rZeroAll.table(
  'policy_updates',
  {
    ...place(),
    role: text('role').notNull(),
    checkpointBefore: text('checkpoint_before')
      .notNull()
      .references(() => checkpoints.checkpointId),
    checkpointAfter: text('checkpoint_after')
      .notNull()
      .references(() => checkpoints.checkpointId),
    referenceCheckpoint: text('reference_checkpoint')
      .notNull()
      .references(() => checkpoints.checkpointId),
    learningRate: doublePrecision('learning_rate').notNull(),
    updates: integer('updates').notNull(),
    loss: doublePrecision('loss'),
    policyLoss: doublePrecision('policy_loss'),
    kl: doublePrecision('kl'),
    entropy: doublePrecision('entropy'),
    clipFraction: doublePrecision('clip_fraction'),
    gradientNorm: doublePrecision('gradient_norm'),
    tokens: integer('tokens').notNull(),
    paddingTokens: integer('padding_tokens').notNull(),
    skipped: integer('skipped').notNull(),
    seconds: doublePrecision('seconds').notNull(),
    memoryBytes: bigint('memory_bytes', { mode: 'number' }).notNull(),
    /** Null for older updates. */
    peakMemoryBytes: bigint('peak_memory_bytes', { mode: 'number' }),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.iteration, t.phase, t.unit, t.take] }),
    unitKey('policy_updates_unit_fk', t),
    check(
      'policy_updates_role',
      sql`(${t.role} = 'challenger' and ${t.phase} = 'challenger_training') or (${t.role} = 'solver' and ${t.phase} = 'solver_training')`,
    ),
  ],
);

export const evaluations = rZeroAll.table(
  'evaluations',
  {
    evaluationId: id('evaluation_id').primaryKey().generatedAlwaysAsIdentity(),
    ...place(),
    setName: text('set_name').notNull(),
    setHash: text('set_hash')
      .notNull()
      .references(() => evaluationSets.setHash),
    mode: text('mode').notNull(),
    checkpointId: text('checkpoint_id')
      .notNull()
      .references(() => checkpoints.checkpointId),
    items: integer('items').notNull(),
    samplesPerItem: integer('samples_per_item').notNull(),
    correct: integer('correct').notNull(),
    majorityCorrect: integer('majority_correct').notNull(),
    worked: integer('worked').notNull(),
    workedCorrect: integer('worked_correct').notNull(),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    unique('evaluations_natural_key').on(t.runId, t.iteration, t.setName, t.mode, t.unit, t.take),
    unitKey('evaluations_unit_fk', t),
    check('evaluations_mode', sql`${t.mode} in ('greedy', 'sampled')`),
  ],
);

export const evaluationItems = rZeroAll.table(
  'evaluation_items',
  {
    evaluationId: id('evaluation_id')
      .notNull()
      .references(() => evaluations.evaluationId),
    item: integer('item').notNull(),
    sample: smallint('sample').notNull(),
    seed: text('seed').notNull(),
    question: text('question').notNull(),
    expected: text('expected').notNull(),
    completion: text('completion').notNull(),
    extracted: text('extracted'),
    correct: boolean('correct').notNull(),
    /** Beyond the grader's bounds; null for older evaluations. */
    incomparable: boolean('incomparable'),
    worked: boolean('worked').notNull(),
    supersededBy: supersededBy(),
  },
  (t) => [primaryKey({ columns: [t.evaluationId, t.item, t.sample] })],
);

/** How an evaluation differs from an earlier one of the same questions, with a paired bootstrap interval. Written with its last shard. */
export const evaluationComparisons = rZeroAll.table(
  'evaluation_comparisons',
  {
    ...place(),
    setName: text('set_name').notNull(),
    /** `greedy`, `mean` over the samples, or their `majority`. */
    measure: text('measure').notNull(),
    /** `base` or `previous`. */
    against: text('against').notNull(),
    againstIteration: integer('against_iteration').notNull(),
    items: integer('items').notNull(),
    value: doublePrecision('value').notNull(),
    reference: doublePrecision('reference').notNull(),
    difference: doublePrecision('difference').notNull(),
    lower: doublePrecision('lower').notNull(),
    upper: doublePrecision('upper').notNull(),
    resamples: integer('resamples').notNull(),
    seed: text('seed').notNull(),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({
      name: 'evaluation_comparisons_pk',
      columns: [t.runId, t.iteration, t.setName, t.measure, t.against, t.take],
    }),
    unitKey('evaluation_comparisons_unit_fk', t),
    check('evaluation_comparisons_measure', sql`${t.measure} in ('greedy', 'mean', 'majority')`),
    check('evaluation_comparisons_against', sql`${t.against} in ('base', 'previous')`),
  ],
);

/**
 * Questions with known answers, voted on in the labelling shards like the others, and kept out of everything else by being rows of
 * their own: no gate, data set or count of questions sees them.
 */
export const anchors = rZeroAll.table(
  'anchors',
  {
    anchorId: id('anchor_id').primaryKey().generatedAlwaysAsIdentity(),
    ...place(),
    /** Place in the set, 0-based. */
    item: integer('item').notNull(),
    setHash: text('set_hash')
      .notNull()
      .references(() => evaluationSets.setHash),
    checkpointId: text('checkpoint_id')
      .notNull()
      .references(() => checkpoints.checkpointId),
    question: text('question').notNull(),
    answer: text('answer').notNull(),
    preset: text('preset').notNull(),
    label: text('label'),
    majority: integer('majority').notNull(),
    total: integer('total').notNull(),
    pHat: doublePrecision('p_hat').generatedAlwaysAs(
      sql`case when total > 0 then majority::double precision / total end`,
    ),
    unparsable: integer('unparsable').notNull(),
    tie: boolean('tie').notNull(),
    classes: jsonb('classes').notNull(),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    unique('anchors_natural_key').on(t.runId, t.iteration, t.phase, t.unit, t.item, t.take),
    unitKey('anchors_unit_fk', t),
    check('anchors_phase', sql`${t.phase} = 'labelling'`),
    check('anchors_counts', sql`${t.majority} >= 0 and ${t.majority} <= ${t.total} and ${t.unparsable} >= 0`),
    check('anchors_label', sql`(${t.label} is null) = (${t.majority} = 0)`),
  ],
);

export const anchorAnswers = rZeroAll.table(
  'anchor_answers',
  {
    anchorId: id('anchor_id')
      .notNull()
      .references(() => anchors.anchorId),
    sample: smallint('sample').notNull(),
    seed: text('seed').notNull(),
    completion: text('completion').notNull(),
    tokens: integer('tokens').array().notNull(),
    finishReason: text('finish_reason').notNull(),
    extracted: text('extracted'),
    /** Mean natural log-probability of its tokens; null without tokens, and for answers from before it was stored. */
    meanLogprob: doublePrecision('mean_logprob'),
    supersededBy: supersededBy(),
  },
  (t) => [
    primaryKey({ columns: [t.anchorId, t.sample] }),
    check('anchor_answers_finish_reason', sql`${t.finishReason} in ('stop', 'length')`),
  ],
);

/**
 * Who is asked about the labels of a run beside the code: judges and people. A judge whose model, prompt or settings are changed is the
 * next version, so that its verdicts stay apart.
 */
export const oracles = rZero.table(
  'oracles',
  {
    oracleId: id('oracle_id').primaryKey().generatedAlwaysAsIdentity(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.runId),
    kind: text('kind').notNull(),
    /** As in `audits`: `judge:<model>` or `human:<annotator>`. */
    oracle: text('oracle').notNull(),
    version: integer('version').notNull(),
    definition: jsonb('definition').notNull(),
    definitionHash: text('definition_hash').notNull(),
    /** Known cases that a judge got right before it was asked anything else, and what they cost; null for people. */
    selfTest: jsonb('self_test'),
    codeVersion: text('code_version').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    unique('oracles_version').on(t.runId, t.oracle, t.version),
    unique('oracles_definition').on(t.runId, t.oracle, t.definitionHash),
    check('oracles_kind', sql`${t.kind} in ('judge', 'human')`),
  ],
);

/** What an oracle says of a label: of a generated question, or of an anchor. */
export const audits = rZeroAll.table(
  'audits',
  {
    auditId: id('audit_id').primaryKey().generatedAlwaysAsIdentity(),
    ...place(),
    /** Null for verdicts that are stored as they come, whatever becomes of the unit that asked: those of `oracle_id`. */
    unit: integer('unit'),
    questionId: id('question_id').references(() => questions.questionId),
    anchorId: id('anchor_id').references(() => anchors.anchorId),
    oracle: text('oracle').notNull(),
    oracleVersion: integer('oracle_version').notNull(),
    oracleId: id('oracle_id').references(() => oracles.oracleId),
    label: text('label').notNull(),
    /** Null when the oracle only says whether the label is true. */
    truth: text('truth'),
    /** Null when the oracle was asked and cannot tell. */
    agrees: boolean('agrees'),
    /** A judge's answer in full, cut where it is very long. */
    reply: text('reply'),
    /** Cost; null where nothing was asked. */
    calls: integer('calls'),
    promptTokens: integer('prompt_tokens'),
    completionTokens: integer('completion_tokens'),
    seconds: doublePrecision('seconds'),
    supersededBy: supersededBy(),
    createdAt: createdAt(),
  },
  (t) => [
    unique('audits_question').on(t.questionId, t.oracle, t.oracleVersion, t.take),
    unique('audits_anchor').on(t.anchorId, t.oracle, t.oracleVersion, t.take),
    unitKey('audits_unit_fk', t),
    index('audits_place').on(t.runId, t.iteration),
    index('audits_oracle').on(t.oracleId),
    check('audits_subject', sql`num_nonnulls(${t.questionId}, ${t.anchorId}) = 1`),
    check('audits_writer', sql`(${t.unit} is null) = (${t.oracleId} is not null)`),
  ],
);
