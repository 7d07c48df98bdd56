/** Rows of a run at the paper's size, made in SQL: what is in them means nothing, how many there are does. */
import type pg from 'pg';
import { addRun } from './rows.ts';

export interface PaperSize {
  iterations: number;
  /** Questions of the data set, of which half are kept. */
  questions: number;
  votes: number;
  challengerSteps: number;
  challengerRollouts: number;
  solverSteps: number;
  solverRollouts: number;
}

export const PAPER: PaperSize = {
  iterations: 3,
  questions: 8000,
  votes: 10,
  challengerSteps: 6,
  challengerRollouts: 2048,
  solverSteps: 20,
  solverRollouts: 2560,
};

const TOKENS = `array(select generate_series(1, 64))`;
const LOGPROBS = `array(select -0.5::real from generate_series(1, 64))`;
const TEXT = `repeat('Therefore the sum is ' || n || '. ', 20) || '\\boxed{' || n % 10 || '}'`;
const SHARDS = 16;

const HELD_OUT = 1000;
const SAMPLES = 16;

/**
 * With attempts, evaluations, alarms, prunings and a recomputation, which add to what the ready questions have to read.
 *
 * @param runId made here; nothing of it may be there yet
 */
export async function addPaperRun(pool: pg.Pool, runId: string, size: PaperSize = PAPER): Promise<void> {
  const { baseCheckpointId: base } = await addRun(pool, runId);
  const run = async (statement: string, values: unknown[]): Promise<void> => void (await pool.query(statement, values));
  const { questions, votes, challengerSteps, challengerRollouts, solverSteps, solverRollouts } = size;
  for (let iteration = 1; iteration <= size.iterations; iteration++) {
    await run(
      `insert into r_zero.phases (run_id, iteration, phase, units)
       select $1, $2::int, p, u from unnest($3::text[], $4::int[]) t (p, u) on conflict do nothing`,
      [
        runId,
        iteration,
        ['challenger_training', 'dataset_generation', 'labelling', 'gating', 'solver_training', 'evaluation', 'audit'],
        [challengerSteps, SHARDS, SHARDS, 1, solverSteps, 2, 1],
      ],
    );
    await run(
      `insert into r_zero.units (run_id, iteration, phase, unit, seconds, metrics)
       select run_id, iteration, phase, n, 10, '{}' from r_zero.phases, generate_series(0, greatest(units, $3::int) - 1) n
       where run_id = $1 and iteration = $2`,
      [runId, iteration, Math.max(challengerSteps, SHARDS, solverSteps)],
    );
    const question = `(run_id, iteration, phase, unit, item, group_index, checkpoint_id, seed, completion, tokens, logprobs,
        finish_reason, status, question, challenger_answer)`;
    const columns = `$3, lpad(to_hex(n), 16, '0'), ${TEXT}, ${TOKENS}, ${LOGPROBS}, 'stop', 'valid', 'What is ' || n || '+' || $2::int || '?', '1'`;
    await run(
      `insert into r_zero.questions ${question}
       select $1, $2::int, 'challenger_training', n / $4::int, n % $4::int, n % $4::int / 4, ${columns}
       from generate_series(0, $4::int * $5::int - 1) n`,
      [runId, iteration, base, challengerRollouts, challengerSteps],
    );
    await run(
      `insert into r_zero.questions ${question}
       select $1, $2::int, 'dataset_generation', n % ${SHARDS}, n / ${SHARDS}, null, ${columns} from generate_series(0, $4::int - 1) n`,
      [runId, iteration, base, questions],
    );
    await run(
      `insert into r_zero.answers (run_id, iteration, phase, unit, question_id, sample, checkpoint_id, seed, completion, tokens,
         finish_reason, extracted)
       select run_id, iteration, case phase when 'dataset_generation' then 'labelling' else phase end, unit, question_id, n, $3,
         lpad(to_hex(n), 16, '0'), ${TEXT}, ${TOKENS}, 'stop', (n % 3)::text
       from r_zero.questions, generate_series(0, $4::int - 1) n where run_id = $1 and iteration = $2`,
      [runId, iteration, base, votes],
    );
    await run(
      `insert into r_zero.votes (question_id, preset, label, majority, total, unparsable, tie, classes, entropy, incomparable)
       select question_id, 'default', (item % 10)::text, 1 + item % $3::int, $3::int, 0, false,
         '[{"representative": "1", "count": 5, "members": [0]}, {"representative": "2", "count": 3, "members": [1]}]', 1, 0
       from r_zero.questions where run_id = $1 and iteration = $2`,
      [runId, iteration, votes],
    );
    await run(
      `insert into r_zero.gate_decisions (run_id, iteration, phase, unit, question_id, kept, reason, policy, policy_version, inputs,
         dataset_index)
       select run_id, iteration, 'gating', 0, question_id, item % 2 = 0,
         case item % 2 when 0 then 'kept' else (array['above_band', 'below_band', 'tie', 'duplicate_earlier'])[1 + item % 4] end,
         'default', 1, case item % 4 when 3 then jsonb_build_object('earlierDuplicateOf', question_id - 1) else '{}' end,
         case item % 2 when 0 then row_number() over (partition by item % 2 order by question_id) - 1 end
       from r_zero.questions where run_id = $1 and iteration = $2 and phase = 'dataset_generation'`,
      [runId, iteration],
    );
    await run(
      `insert into r_zero.audits (run_id, iteration, phase, unit, question_id, oracle, oracle_version, label, truth, agrees)
       select run_id, iteration, 'audit', 0, question_id, 'computed', 1, '1', '1', item % 5 > 0
       from r_zero.questions where run_id = $1 and iteration = $2 and phase = 'dataset_generation'`,
      [runId, iteration],
    );
    await run(
      `insert into r_zero.rollouts (run_id, iteration, phase, unit, item, sample, question_id, label, checkpoint_id, seed, completion,
         tokens, logprobs, finish_reason, extracted)
       select $1, $2::int, 'solver_training', n / $4::int, n % $4::int / 5, n % 5, d.question_id, '1', $3,
         lpad(to_hex(n), 16, '0'), ${TEXT}, ${TOKENS}, ${LOGPROBS}, 'stop', '1'
       from generate_series(0, $4::int * $5::int - 1) n
       join r_zero.gate_decisions d on d.run_id = $1 and d.iteration = $2 and d.dataset_index = n / 5 % $6::int`,
      [runId, iteration, base, solverRollouts, solverSteps, Math.floor(questions / 2)],
    );
    await run(
      `insert into r_zero.rewards (run_id, iteration, phase, unit, role, question_id, total, computed, uncertainty, repetition,
         cluster_size, format, advantage)
       select run_id, iteration, phase, unit, 'challenger', question_id, 0.5, 0.5, 0.5, 0, 1, 1, 0
       from r_zero.questions where run_id = $1 and iteration = $2 and phase = 'challenger_training'`,
      [runId, iteration],
    );
    await run(
      `insert into r_zero.rewards (run_id, iteration, phase, unit, role, rollout_id, total, computed, format, accuracy, advantage)
       select run_id, iteration, phase, unit, 'solver', rollout_id, 1, 1, 0, 1, 0 from r_zero.rollouts where run_id = $1 and iteration = $2`,
      [runId, iteration],
    );
    await run(
      `insert into r_zero.policy_updates (run_id, iteration, phase, unit, role, checkpoint_before, checkpoint_after,
         reference_checkpoint, learning_rate, updates, tokens, padding_tokens, skipped, seconds, memory_bytes)
       select run_id, iteration, phase, unit, case phase when 'solver_training' then 'solver' else 'challenger' end, $3, $3, $3, 1e-6,
         1, 1, 0, 0, 10, 1
       from r_zero.units where run_id = $1 and iteration = $2 and phase in ('challenger_training', 'solver_training')`,
      [runId, iteration, base],
    );
    await addWork(run, runId, iteration);
    await addEvaluations(run, runId, iteration, base);
  }
  await addRecomputation(run, runId);
  await run(
    `insert into r_zero.checkpoint_prunings (checkpoint_id, what, run_id, policy, bytes, code_version)
     values ($2, 'optimizer', $1, 'last:1', 1, 'x')`,
    [runId, base],
  );
  await pool.query('vacuum analyze');
}

type Run = (statement: string, values: unknown[]) => Promise<void>;

/** Every tenth unit was interrupted and tried again; three alarms were judged after each phase. */
async function addWork(run: Run, runId: string, iteration: number): Promise<void> {
  await run(
    `insert into r_zero.attempts (run_id, iteration, phase, unit, attempt, workflow_id, worker_pid, seen_at, finished_at, outcome)
     select run_id, iteration, phase, unit, n, 'r-zero/' || run_id, 1, now(), case n when tries then now() end,
       case n when tries then 'finished' end
     from r_zero.units, lateral (select case unit % 10 when 9 then 2 else 1 end as tries) t, generate_series(1, tries) n
     where run_id = $1 and iteration = $2`,
    [runId, iteration],
  );
  await run(
    `insert into r_zero.alarms (run_id, iteration, phase, alarm, raised, action, value, threshold, message)
     select run_id, iteration, phase, alarm, alarm = 'dominantAnswer', 'note', 0.6, 0.5, 'x'
     from r_zero.phases, unnest(array['dominantAnswer', 'entropyLow', 'yieldLow']) alarm
     where run_id = $1 and iteration = $2`,
    [runId, iteration],
  );
}

async function addEvaluations(run: Run, runId: string, iteration: number, base: string): Promise<void> {
  await run(`insert into r_zero.evaluation_sets (set_hash, items) values ($1, '[]') on conflict do nothing`, ['x']);
  await run(
    `with added as (
       insert into r_zero.evaluations (run_id, iteration, phase, unit, set_name, set_hash, mode, checkpoint_id, items,
         samples_per_item, correct, majority_correct, worked, worked_correct)
       select $1, $2::int, 'evaluation', n, 'held-out', 'x', case n when 0 then 'greedy' else 'sampled' end, $3, $4::int,
         case n when 0 then 1 else $5::int end, 1, 1, 1, 1
       from generate_series(0, 1) n returning evaluation_id, items, samples_per_item)
     insert into r_zero.evaluation_items (evaluation_id, item, sample, seed, question, expected, completion, extracted, correct, worked)
     select evaluation_id, n, s, lpad(to_hex(n), 16, '0'), 'What is ' || n || '?', '1', ${TEXT}, '1', (n + $2::int) % 3 = 0, true
     from added, generate_series(0, items - 1) n, generate_series(0, samples_per_item - 1) s`,
    [runId, iteration, base, HELD_OUT, SAMPLES],
  );
}

/** As of `r-zero recompute --preset paper`: a row beside each vote, decision and reward. */
async function addRecomputation(run: Run, runId: string): Promise<void> {
  await run(
    `insert into r_zero.recomputations (run_id, version, preset, preset_version, gate, code_version)
     values ($1, 2, 'paper', 1, '{}', 'x')`,
    [runId],
  );
  await run(
    `insert into r_zero.votes (question_id, version, preset, label, majority, total, unparsable, tie, classes, recomputation_id)
     select v.question_id, 2, 'paper', v.label, v.majority, v.total, v.unparsable, false, v.classes, r.recomputation_id
     from r_zero.votes v join r_zero.questions q using (question_id) join r_zero.recomputations r using (run_id)
     where q.run_id = $1`,
    [runId],
  );
  await run(
    `insert into r_zero.gate_decisions (run_id, iteration, phase, unit, question_id, version, kept, reason, policy, policy_version,
       inputs, dataset_index, recomputation_id)
     select d.run_id, iteration, phase, unit, question_id, 2, true, 'kept', 'paper', 1, inputs,
       row_number() over (partition by iteration order by question_id) - 1, r.recomputation_id
     from r_zero.gate_decisions d join r_zero.recomputations r using (run_id) where d.run_id = $1`,
    [runId],
  );
  await run(
    `insert into r_zero.rewards (run_id, iteration, phase, unit, role, question_id, rollout_id, version, total, computed, uncertainty,
       repetition, cluster_size, format, accuracy, advantage, recomputation_id)
     select w.run_id, iteration, phase, unit, role, question_id, rollout_id, 2, total, computed, uncertainty, repetition, cluster_size,
       format, accuracy, advantage, r.recomputation_id
     from r_zero.rewards w join r_zero.recomputations r using (run_id) where w.run_id = $1`,
    [runId],
  );
}
