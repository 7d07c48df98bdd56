/** A whole run as rows, made up from its seed: what reads runs can be tested on it without running one. */
import type pg from 'pg';
import type { Phase } from '../../activities/contract.ts';
import { createRandom } from '../../activities/method/seeds.ts';
import type { SeededRandom } from '../../activities/method/seeds.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { insertRows } from '../../db/bulk.ts';
import { transaction } from '../../db/client.ts';
import { insertEvaluationSet } from '../../db/queries/evaluation-sets.ts';
import { insertRun } from '../../db/queries/runs.ts';
import { insertPhases } from '../../db/queries/units.ts';
import * as schema from '../../db/schema.ts';
import { OWNER, addCheckpoint, checkpointIdOf, finishUnit } from './rows.ts';

export interface StoredRunOptions {
  /** @default 2 */
  iterations?: number;
  /** Of each iteration's data generation. @default 60 */
  questions?: number;
  /** Of these, the first iteration's first ones, and those of its first step of Challenger training; the others are sums. */
  texts?: readonly string[];
  seed?: number;
  control?: 'none' | 'random-reward';
  /** How much better an iteration makes the Solver, in points of accuracy. @default 15 */
  gain?: number;
}

const VOTES = 8;
const SET = 'stored-set';
const ITEMS = 40;
const SAMPLES = 4;
const STEPS = 3;

/** Complete, but for log-probabilities and tokens, of which it has one each. */
export async function storeRun(pool: pg.Pool, runId: string, options: StoredRunOptions = {}): Promise<void> {
  const { iterations = 2, seed = 1, control = 'none' } = options;
  const { config } = resolveRunInput({ seed, control });
  const baseCheckpointId = await addCheckpoint(pool, 'base');
  await transaction(pool, async (client) => {
    await insertEvaluationSet(client, { hash: SET, items: [] });
    await insertRun(client, {
      runId,
      seed,
      preset: 'default',
      presetVersion: 2,
      control,
      iterations,
      status: 'completed',
      config,
      baseCheckpointId,
      heldOutHash: SET,
      profile: { version: 1 },
      profileHash: 'b'.repeat(64),
      codeVersion: '0.0.0',
      createdAt: new Date('2026-03-01T10:00:00Z'),
    });
    await client.query(
      `insert into r_zero.run_leases (run_id, namespace, workflow_id, temporal_run_id) values ($1, $2, $3, '1')`,
      [runId, OWNER.namespace, OWNER.workflowId],
    );
  });
  for (let iteration = 0; iteration <= iterations; iteration++) await storeIteration(pool, runId, iteration, options);
}

interface Iteration extends StoredRunOptions {
  runId: string;
  iteration: number;
  random: SeededRandom;
}

/** One more of a run that `storeRun` made. */
export async function storeIteration(
  pool: pg.Pool,
  runId: string,
  iteration: number,
  options: StoredRunOptions = {},
): Promise<void> {
  const seed = (options.seed ?? 1) * 1000 + iteration;
  const now: Iteration = { ...options, runId, iteration, random: createRandom(String(seed).padStart(16, '0')) };
  for (const role of ['challenger', 'solver']) await addCheckpoint(pool, `${runId}-${role}-${iteration}`);
  const phases: { phase: Phase; write: (client: pg.PoolClient) => Promise<void> }[] =
    iteration === 0
      ? [{ phase: 'evaluation', write: (client) => storeEvaluations(client, now) }]
      : [
          { phase: 'challenger_training', write: (client) => storeSteps(client, now, 'challenger') },
          { phase: 'dataset_generation', write: (client) => storeQuestions(client, now) },
          { phase: 'labelling', write: (client) => storeAnswers(client, now) },
          { phase: 'gating', write: (client) => storeDecisions(client, now) },
          { phase: 'solver_training', write: (client) => storeSteps(client, now, 'solver') },
          { phase: 'evaluation', write: (client) => storeEvaluations(client, now) },
          { phase: 'audit', write: (client) => storeAudits(client, now) },
        ];
  const training = (phase: Phase): boolean => phase === 'challenger_training' || phase === 'solver_training';
  await transaction(pool, (client) =>
    insertPhases(
      client,
      runId,
      iteration,
      phases.map(({ phase }) => ({ phase, units: training(phase) ? STEPS : 1 })),
    ),
  );
  for (const { phase, write } of phases) {
    const first = training(phase) ? STEPS : 1;
    // Rows refer to their unit: the last one's transaction writes for all.
    for (let unit = 0; unit < first; unit++) {
      await finishUnit(pool, { runId, iteration, phase, unit }, unit === first - 1 ? write : undefined);
    }
  }
  if (iteration > 0) await storeAlarms(pool, now);
}

/** Two that found nothing, and one that had nothing to compare. */
async function storeAlarms(pool: pg.Pool, { runId, iteration }: Iteration): Promise<void> {
  const judged = (phase: Phase, alarm: string, value: number | null, threshold: number, message: string) => ({
    runId,
    iteration,
    phase,
    alarm,
    value,
    threshold,
    message,
    raised: false,
    action: 'note',
  });
  const rows = [
    judged('challenger_training', 'kl', 0.0123, 0.5, 'KL to the beginning of the phase was 0.0123.'),
    judged('dataset_generation', 'phrases', null, 0.25, 'Not judged: no earlier iteration.'),
    judged('audit', 'labelAccuracy', 0.6 + iteration / 100, 0.4, 'Of the kept labels most were true.'),
  ];
  await transaction(pool, async (client) => void (await insertRows(client, schema.alarms, rows)));
}

const placeOf = ({ runId, iteration }: Iteration, phase: Phase, unit = 0) => ({ runId, iteration, phase, unit });
const sample = { seed: '0'.repeat(16), tokens: [1], finishReason: 'stop' };
const challengerOf = ({ runId, iteration }: Iteration): string => checkpointIdOf(`${runId}-challenger-${iteration}`);
const solverBefore = ({ runId, iteration }: Iteration): string =>
  checkpointIdOf(iteration <= 1 ? 'base' : `${runId}-solver-${iteration - 1}`);

/** Every tenth cannot be parsed. */
async function storeQuestions(client: pg.PoolClient, now: Iteration): Promise<void> {
  const { random, iteration, questions = 60, texts = [] } = now;
  const rows = Array.from({ length: questions }, (_, item) => {
    const text = (iteration === 1 ? texts[item] : undefined) ?? sum(random);
    const isValid = item % 10 !== 9;
    return {
      ...placeOf(now, 'dataset_generation'),
      item,
      checkpointId: challengerOf(now),
      ...sample,
      logprobs: [-0.5],
      completion: isValid ? `<question>${text}</question> \\boxed{1}` : 'nothing',
      status: isValid ? 'valid' : 'invalid',
      reason: isValid ? null : 'no_question_tags',
      question: isValid ? text : null,
      challengerAnswer: isValid ? '1' : null,
    };
  });
  await insertRows(client, schema.questions, rows);
}

const sum = (random: SeededRandom): string => `${1 + random.below(9)}+${1 + random.below(9)}+${1 + random.below(9)}`;

interface Stored {
  question_id: string;
  question: string;
  majority: number;
}

const validQuestions = async (client: pg.PoolClient, { runId, iteration }: Iteration) =>
  (
    await client.query<Stored>(
      `select q.question_id, q.question, v.majority from r_zero.questions q left join r_zero.votes v using (question_id)
       where run_id = $1 and iteration = $2 and phase = 'dataset_generation' and status = 'valid' order by item`,
      [runId, iteration],
    )
  ).rows;

/** The label is what most answers say: `label`, of `majority` votes, the others one by one. */
async function storeAnswers(client: pg.PoolClient, now: Iteration): Promise<void> {
  const answers: (typeof schema.answers.$inferInsert)[] = [];
  const votes: (typeof schema.votes.$inferInsert)[] = [];
  for (const { question_id: id, question } of await validQuestions(client, now)) {
    const questionId = Number(id);
    const majority = 1 + now.random.below(VOTES);
    const extracted = Array.from({ length: VOTES }, (_, index) => (index < majority ? 'label' : `other ${index}`));
    answers.push(
      ...extracted.map((answer, index) => ({
        ...placeOf(now, 'labelling'),
        questionId,
        sample: index,
        checkpointId: solverBefore(now),
        ...sample,
        completion: `Thinking of ${question} <b>hard</b>. \\boxed{${answer}}`,
        extracted: answer,
      })),
    );
    votes.push({
      questionId,
      preset: 'default',
      label: 'label',
      majority,
      total: VOTES,
      entropy: 0.5,
      unparsable: 0,
      incomparable: 0,
      tie: majority === 1,
      classes: [
        { representative: 'label', count: majority, members: [...Array(majority).keys()] },
        ...extracted.slice(majority).map((representative, index) => ({
          representative,
          count: 1,
          members: [majority + index],
        })),
      ],
    });
  }
  await insertRows(client, schema.answers, answers);
  await insertRows(client, schema.votes, votes);
}

async function storeDecisions(client: pg.PoolClient, now: Iteration): Promise<void> {
  let place = 0;
  const rows = (await validQuestions(client, now)).map(({ question_id: id, majority }) => {
    const reason = majority < 2 ? 'below_band' : majority > 6 ? 'above_band' : 'kept';
    return {
      ...placeOf(now, 'gating'),
      questionId: Number(id),
      kept: reason === 'kept',
      reason,
      policy: 'default',
      policyVersion: 2,
      inputs: { majority, total: VOTES },
      datasetIndex: reason === 'kept' ? place++ : null,
    };
  });
  await insertRows(client, schema.gateDecisions, rows);
}

/** The more votes, the likelier a true label. */
async function storeAudits(client: pg.PoolClient, now: Iteration): Promise<void> {
  const rows = (await validQuestions(client, now)).map(({ question_id: id, majority }) => {
    const agrees = now.random.below(VOTES) < majority;
    return {
      ...placeOf(now, 'audit'),
      questionId: Number(id),
      oracle: 'computed',
      oracleVersion: 1,
      label: 'label',
      truth: agrees ? 'label' : 'truth',
      agrees,
    };
  });
  await insertRows(client, schema.audits, rows);
}

/** Eight rollouts a step. The Challenger's are questions of its training, the Solver's are of the first kept question. */
async function storeSteps(client: pg.PoolClient, now: Iteration, role: 'challenger' | 'solver'): Promise<void> {
  const phase = role === 'challenger' ? 'challenger_training' : 'solver_training';
  const { runId, iteration, random } = now;
  const before = role === 'challenger' ? checkpointIdOf('base') : solverBefore(now);
  const after = checkpointIdOf(`${runId}-${role}-${iteration}`);
  for (let unit = 0; unit < STEPS; unit++) {
    const place = placeOf(now, phase, unit);
    const ids = role === 'challenger' ? await storeRolled(client, now, unit) : await storeRollouts(client, now, unit);
    await insertRows(
      client,
      schema.rewards,
      ids.map((id, index) => ({
        ...place,
        role,
        questionId: role === 'challenger' ? id : null,
        rolloutId: role === 'solver' ? id : null,
        total: random.below(100) / 100,
        computed: 0.5,
        uncertainty: role === 'challenger' ? 0.5 : null,
        repetition: role === 'challenger' ? 0.25 : null,
        // Two clusters of two, the others by themselves.
        clusterSize: role === 'challenger' ? (index < 4 ? 2 : 1) : null,
        format: role === 'challenger' ? 1 : 0,
        accuracy: role === 'solver' ? 0.5 : null,
        advantage: 0,
      })),
    );
    await insertRows(client, schema.policyUpdates, [
      {
        ...place,
        role,
        checkpointBefore: before,
        checkpointAfter: after,
        referenceCheckpoint: before,
        learningRate: 1e-4,
        updates: 1,
        loss: 0.1,
        policyLoss: 0.1,
        kl: 0.001 * (unit + 1),
        entropy: 0.6 - 0.1 * unit,
        clipFraction: 0.01,
        gradientNorm: unit === 1 ? null : 0.4,
        tokens: 80,
        paddingTokens: 0,
        skipped: 0,
        seconds: 1,
        memoryBytes: 1,
      },
    ]);
  }
}

const ROLLOUTS = 8;

async function storeRolled(client: pg.PoolClient, now: Iteration, unit: number): Promise<number[]> {
  const rows = Array.from({ length: ROLLOUTS }, (_, item) => ({
    ...placeOf(now, 'challenger_training', unit),
    item,
    groupIndex: 0,
    checkpointId: checkpointIdOf('base'),
    ...sample,
    logprobs: [-0.5],
    completion: '<question>1+1</question> \\boxed{2}',
    status: 'valid',
    question: (now.iteration === 1 && unit === 0 ? now.texts?.[item] : undefined) ?? '1+1',
    challengerAnswer: '2',
  }));
  const inserted = await insertRows(client, schema.questions, rows, { returning: ['question_id'] });
  const ids = inserted.map(({ question_id: id }) => Number(id));
  await insertRows(
    client,
    schema.votes,
    ids.map((questionId, item) => ({
      questionId,
      preset: 'default',
      label: '2',
      majority: item + 1,
      total: VOTES,
      unparsable: VOTES - item - 1,
      tie: false,
      classes: [{ representative: '2', count: item + 1 }],
    })),
  );
  return ids;
}

async function storeRollouts(client: pg.PoolClient, now: Iteration, unit: number): Promise<number[]> {
  const questionId = Number((await validQuestions(client, now))[0]!.question_id);
  const rows = Array.from({ length: ROLLOUTS }, (_, index) => ({
    ...placeOf(now, 'solver_training', unit),
    item: 0,
    sample: index,
    questionId,
    label: 'label',
    checkpointId: solverBefore(now),
    ...sample,
    logprobs: [-0.5],
    completion: '\\boxed{label}',
    extracted: 'label',
  }));
  const ids = await insertRows(client, schema.rollouts, rows, { returning: ['rollout_id'] });
  return ids.map(({ rollout_id: id }) => Number(id));
}

async function storeEvaluations(client: pg.PoolClient, now: Iteration): Promise<void> {
  const { random, iteration, gain = 15 } = now;
  for (const mode of ['greedy', 'sampled'] as const) {
    const samples = mode === 'greedy' ? 1 : SAMPLES;
    const items = Array.from({ length: ITEMS * samples }, (_, index) => ({
      item: Math.floor(index / samples),
      sample: index % samples,
      correct: random.below(100) < 30 + gain * iteration,
      worked: random.below(100) < 40 + gain * iteration,
    }));
    const number = (of: (item: (typeof items)[number]) => boolean): number => items.filter(of).length;
    const [row] = await insertRows(
      client,
      schema.evaluations,
      [
        {
          ...placeOf(now, 'evaluation'),
          setName: 'held-out',
          setHash: SET,
          mode,
          checkpointId: checkpointIdOf(iteration === 0 ? 'base' : `${now.runId}-solver-${iteration}`),
          items: ITEMS,
          samplesPerItem: samples,
          correct: number(({ correct }) => correct),
          majorityCorrect: Math.min(ITEMS, 12 + 3 * iteration),
          worked: number(({ worked }) => worked),
          workedCorrect: number(({ correct, worked }) => correct && worked),
        },
      ],
      { returning: ['evaluation_id'] },
    );
    const evaluationId = Number(row!['evaluation_id']);
    await insertRows(
      client,
      schema.evaluationItems,
      items.map((item) => ({
        evaluationId,
        ...item,
        seed: sample.seed,
        question: `${item.item}+1`,
        expected: String(item.item + 1),
        completion: '\\boxed{1}',
        extracted: '1',
      })),
    );
  }
}
