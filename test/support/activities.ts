/** Runs activities as a worker would, one after the other, without a Temporal server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import type pg from 'pg';
import { createActivities } from '../../activities/index.ts';
import type { ActivityDependencies } from '../../activities/index.ts';
import type { GpuActivities, OrchestrationActivities, Phase, RunInput, UnitResult } from '../../activities/contract.ts';
import { createLocalEngine } from '../../activities/engine/index.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'r-zero-test-'));
  folders.push(folder);
  return folder;
}

/** Small enough for seconds, large enough that every phase has more than one unit and the gate keeps something. */
export const TINY: RunInput = {
  iterations: 1,
  batchSize: 64,
  microBatch: 32,
  challenger: { steps: 2, rollouts: 16, groupSize: 8, votes: 4 },
  labelling: { questions: 48, shardSize: 24, votes: 4 },
  gate: { minimumQuestions: 2 },
  solver: { steps: 3, questions: 8, groupSize: 4 },
  evaluation: { questions: 16, samples: 2 },
};

const UNIT_ACTIVITY: Record<Phase, keyof GpuActivities | keyof OrchestrationActivities> = {
  challenger_training: 'trainChallengerStep',
  dataset_generation: 'generateQuestions',
  labelling: 'labelQuestions',
  gating: 'gateQuestions',
  solver_training: 'trainSolverStep',
  evaluation: 'evaluateSolver',
  audit: 'auditLabels',
};

export class ActivityRunner {
  readonly deps: ActivityDependencies;
  readonly #activities;
  readonly #workflowId: string;
  readonly #execution: string;

  constructor(
    database: pg.Pool,
    options: {
      dataDir?: string;
      engine?: ActivityDependencies['engine'];
      workflowId?: string;
      execution?: string;
    } = {},
  ) {
    this.deps = {
      database,
      engine: options.engine ?? createLocalEngine(),
      dataDir: options.dataDir ?? temporaryFolder(),
      codeVersion: '0.0.0-test',
    };
    this.#activities = createActivities(this.deps);
    this.#workflowId = options.workflowId ?? 'r-zero/test';
    this.#execution = options.execution ?? 'first';
  }

  call<I, O>(activity: (input: I) => Promise<O>, input: I): Promise<O> {
    const environment = new MockActivityEnvironment({
      workflowExecution: { workflowId: this.#workflowId, runId: this.#execution },
    });
    return environment.run(activity, input) as Promise<O>;
  }

  open(input: RunInput) {
    return this.call(this.#activities.openRun, input);
  }

  unit(phase: Phase, runId: string, iteration: number, unit: number): Promise<UnitResult> {
    const name = phase === 'audit' && unit > 0 ? 'judgeLabels' : UNIT_ACTIVITY[phase];
    const activity = this.#activities[name] as (ref: object) => Promise<UnitResult>;
    return this.call(activity, { runId, iteration, unit, holder: this.#workflowId });
  }

  begin(runId: string, iteration: number) {
    return this.call(this.#activities.beginIteration, { runId, iteration, holder: this.#workflowId });
  }

  prune(runId: string, iteration: number) {
    return this.call(this.#activities.pruneCheckpoints, { runId, iteration, holder: this.#workflowId });
  }

  /** All units of an iteration that are not finished yet. */
  async iterate(runId: string, iteration: number): Promise<void> {
    const plan = await this.begin(runId, iteration);
    for (const { phase, units, nextUnit } of plan.phases) {
      for (let unit = nextUnit; unit < units; unit++) await this.unit(phase, runId, iteration, unit);
    }
  }
}

/** Everything a run stored that must not depend on when, where or how often interrupted it ran. */
export async function fingerprint(pool: pg.Pool, runId: string): Promise<Record<string, unknown[]>> {
  const place = 'iteration, phase, unit';
  const statements: Record<string, string> = {
    questions: `select ${place}, item, checkpoint_id, seed, completion, tokens, logprobs, status, reason, question from r_zero.questions where run_id = $1 order by ${place}, item`,
    answers: `select a.iteration, a.phase, a.unit, q.item, a.sample, a.checkpoint_id, a.seed, a.completion, a.extracted from r_zero.answers a join r_zero.questions q using (question_id) where a.run_id = $1 order by a.iteration, a.phase, a.unit, q.item, a.sample`,
    votes: `select q.iteration, q.phase, q.unit, q.item, v.label, v.majority, v.total, v.classes from r_zero.votes v join r_zero.questions q using (question_id) where q.run_id = $1 order by 1, 2, 3, 4`,
    decisions: `select q.iteration, q.unit, q.item, d.kept, d.reason, d.dataset_index from r_zero.gate_decisions d join r_zero.questions q using (question_id) where d.run_id = $1 order by 1, 2, 3`,
    rollouts: `select ${place}, item, sample, label, checkpoint_id, seed, completion, logprobs from r_zero.rollouts where run_id = $1 order by ${place}, item, sample`,
    rewards: `select r.iteration, r.phase, r.unit, r.role, coalesce(q.item, o.item) as item, o.sample, r.total, r.computed, r.advantage from r_zero.rewards r left join r_zero.questions q using (question_id) left join r_zero.rollouts o using (rollout_id) where r.run_id = $1 order by 1, 2, 3, 4, 5, 6`,
    updates: `select ${place}, role, checkpoint_before, checkpoint_after, reference_checkpoint, loss, kl, gradient_norm from r_zero.policy_updates where run_id = $1 order by ${place}`,
    evaluations: `select e.iteration, e.mode, e.checkpoint_id, e.correct, e.worked, i.item, i.sample, i.completion from r_zero.evaluations e join r_zero.evaluation_items i using (evaluation_id) where e.run_id = $1 order by 1, 2, 6, 7`,
    audits: `select q.iteration, q.unit, q.item, a.label, a.truth, a.agrees from r_zero.audits a join r_zero.questions q using (question_id) where a.run_id = $1 order by 1, 2, 3`,
  };
  const result: Record<string, unknown[]> = {};
  for (const [name, statement] of Object.entries(statements))
    result[name] = (await pool.query(statement, [runId])).rows;
  return result;
}
