/** Runs activities as a worker would, one after the other, without a Temporal server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import type pg from 'pg';
import { createActivities } from '../../activities/index.ts';
import type { ActivityDependencies } from '../../activities/index.ts';
import type { GpuActivities, OrchestrationActivities, Phase, RunInput, UnitResult } from '../../activities/contract.ts';
import { createLocalEngine } from '../../activities/engine/index.ts';

// As the processes have it that run small models (engineEnvironment): the last bits are those of a worker's.
process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '0';

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
const AUDITS = ['auditLabels', 'judgeLabels', 'measureDiversity'] as const;

export class ActivityRunner {
  readonly deps: ActivityDependencies;
  readonly #activities;
  readonly #workflowId: string;
  readonly #execution: string;
  readonly #client: Client;

  constructor(
    database: pg.Pool,
    options: {
      dataDir?: string;
      engine?: ActivityDependencies['engine'];
      workflowId?: string;
      execution?: string;
      /** What Temporal says of every workflow that it is asked about. @default 'RUNNING' */
      others?: 'RUNNING' | 'TERMINATED';
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
    const describe = () => Promise.resolve({ status: { name: options.others ?? 'RUNNING' } });
    const withAbortSignal = <T>(_: AbortSignal, work: () => T): T => work();
    this.#client = { workflow: { getHandle: () => ({ describe }) }, withAbortSignal } as unknown as Client;
  }

  call<I, O>(activity: (input: I) => Promise<O>, input: I): Promise<O> {
    const workflowExecution = { workflowId: this.#workflowId, runId: this.#execution };
    const environment = new MockActivityEnvironment({ workflowExecution }, { client: this.#client });
    return environment.run(activity, input) as Promise<O>;
  }

  open(input: RunInput) {
    return this.call(this.#activities.openRun, input);
  }

  unit(phase: Phase, runId: string, iteration: number, unit: number): Promise<UnitResult> {
    const name = phase === 'audit' ? AUDITS[unit]! : UNIT_ACTIVITY[phase];
    const activity = this.#activities[name] as (ref: object) => Promise<UnitResult>;
    return this.call(activity, { runId, iteration, unit, holder: this.#workflowId });
  }

  begin(runId: string, iteration: number) {
    return this.call(this.#activities.beginIteration, { runId, iteration, holder: this.#workflowId });
  }

  checkAlarms(phase: Phase, runId: string, iteration: number) {
    return this.call(this.#activities.checkAlarms, { runId, iteration, phase, holder: this.#workflowId });
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
