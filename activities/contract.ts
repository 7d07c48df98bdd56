/**
 * What workflows and activities say to each other. The only file of this folder that `workflows/` imports, types only.
 * Payloads carry ids and counts, never model text or weights (DESIGN.md, rules 1 and 4).
 */

export type Role = 'challenger' | 'solver';

/** The phases of one iteration, in order. Iteration 0 is the base model and has `evaluation` only. */
export type Phase =
  'challenger_training' | 'dataset_generation' | 'labelling' | 'gating' | 'solver_training' | 'evaluation' | 'audit';

export type RunStatus = 'running' | 'paused' | 'parked' | 'completed' | 'failed' | 'cancelled';

/**
 * Input of `rZeroRun`. Every field is optional, so `{}` and no input at all start the demo run. The full list of fields,
 * their ranges and defaults is in `activities/run-input.ts`, which validates and resolves it inside `openRun`.
 */
export interface RunInput {
  /** Names the run in Postgres. Starting a known run continues it. @default the workflow's own id, without `r-zero/`. */
  runId?: string;
  /** Total number of iterations the run should reach. @default 3 */
  iterations?: number;
  [field: string]: unknown;
}

export interface PhasePlan {
  phase: Phase;
  /** Number of shards or steps of this phase; `unit` runs from 0 to `units - 1`. */
  units: number;
  /** The first unit without a stored result; equals `units` when the phase is finished. */
  nextUnit: number;
}

export interface RunPlan {
  runId: string;
  /** Target number of iterations. */
  iterations: number;
  /** First iteration that still has work: 0 is the base model's evaluation. `iterations + 1` when all is done. */
  nextIteration: number;
  /** True when the run was known already and is continued. */
  resumed: boolean;
}

export interface IterationRef {
  runId: string;
  iteration: number;
  /** Workflow id of the `rZeroRun` that holds the run's lease; an activity of any other workflow stops. */
  holder: string;
}

export interface IterationPlan {
  runId: string;
  iteration: number;
  phases: PhasePlan[];
}

/** One shard or step: the unit of loss, of retry and of idempotency. */
export interface UnitRef extends IterationRef {
  unit: number;
}

export interface UnitResult {
  /** True when a stored result was found and no work was done. */
  reused: boolean;
  /** Numbers worth showing while the run goes on, e.g. `{ generated: 128, valid: 120, meanReward: 0.41 }`. */
  metrics: Record<string, number>;
}

export interface IterationSummary {
  runId: string;
  iteration: number;
  metrics: Record<string, number>;
}

export interface PruneResult {
  /** Checkpoints of which files were deleted. */
  pruned: number;
  /** Freed by it. */
  bytes: number;
}

export interface RunStatusChange {
  runId: string;
  /** Workflow id of the run; without its lease the change is not written. */
  holder: string;
  status: RunStatus;
  /** Why, in one sentence; shown in the Temporal UI and kept in the run's row. */
  reason?: string;
}

export interface RunExtension {
  runId: string;
  /** New total; must be larger than what is planned now. */
  iterations: number;
}

/** Activities of the task queue `r-zero`: database work, short. */
export interface OrchestrationActivities {
  /** Validates and resolves the input, creates or continues the run's row and takes its lease. */
  openRun(input: RunInput): Promise<RunPlan>;
  extendRun(extension: RunExtension): Promise<RunPlan>;
  setRunStatus(change: RunStatusChange): Promise<void>;
  beginIteration(ref: IterationRef): Promise<IterationPlan>;
  gateQuestions(ref: UnitRef): Promise<UnitResult>;
  auditLabels(ref: UnitRef): Promise<UnitResult>;
  /** Deletes what the run's `checkpoints.keep` gives up, now that the iteration's work is done. */
  pruneCheckpoints(ref: IterationRef): Promise<PruneResult>;
  finishIteration(ref: IterationRef): Promise<IterationSummary>;
}

/** Activities of the task queue `r-zero-gpu`: one at a time per accelerator. */
export interface GpuActivities {
  trainChallengerStep(ref: UnitRef): Promise<UnitResult>;
  generateQuestions(ref: UnitRef): Promise<UnitResult>;
  labelQuestions(ref: UnitRef): Promise<UnitResult>;
  trainSolverStep(ref: UnitRef): Promise<UnitResult>;
  evaluateSolver(ref: UnitRef): Promise<UnitResult>;
}

export interface RZeroActivities extends OrchestrationActivities, GpuActivities {}
