/**
 * Activities without a database or a model, for tests of workflows: they keep a run's progress in memory, record every
 * call, and fail loudly when they are asked for something that a correct workflow never asks for.
 */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type {
  AlarmVerdict,
  BudgetState,
  IterationRef,
  NightPlan,
  Phase,
  PhasePlan,
  RZeroActivities,
  RunPlan,
  RunStatusChange,
  ScheduleNote,
  UnitRef,
  UnitResult,
} from '../../activities/contract.ts';

import { PHASE_ORDER } from '../../activities/phases.ts';

type ActivityName = keyof RZeroActivities;

const PHASE_OF: Partial<Record<ActivityName, Phase>> = {
  trainChallengerStep: 'challenger_training',
  generateQuestions: 'dataset_generation',
  labelQuestions: 'labelling',
  gateQuestions: 'gating',
  trainSolverStep: 'solver_training',
  evaluateSolver: 'evaluation',
  auditLabels: 'audit',
  judgeLabels: 'audit',
  measureDiversity: 'audit',
};

const DEFAULT_UNITS: readonly (readonly [Phase, number])[] = [
  ['challenger_training', 2],
  ['dataset_generation', 2],
  ['labelling', 3],
  ['gating', 1],
  ['solver_training', 2],
  ['evaluation', 1],
  ['audit', 1],
];

export interface FakeOptions {
  iterations?: number;
  units?: readonly (readonly [Phase, number])[];
}

interface Fault {
  failure: Error;
  times: number;
}

export class FakeActivities {
  /** e.g. `labelling 2/0` for unit 0 of iteration 2, or `openRun`. */
  readonly calls: string[] = [];
  readonly statuses: RunStatusChange[] = [];
  readonly inputs: unknown[] = [];
  /** Notes that nights left on their schedules. */
  readonly scheduleNotes: ScheduleNote[] = [];
  /** Does what `pauseSchedule` is asked for; it is only noted without. */
  leaveNote: ((note: ScheduleNote) => Promise<void>) | undefined;
  /** Answer of `planNight`; the run is unknown, or known and free, when undefined. */
  night: NightPlan | undefined;
  /** Answers of `checkAlarms`, by iteration and phase; none is raised otherwise. */
  readonly alarms = new Map<string, AlarmVerdict>();
  /** Reported with every plan and unit. */
  budget: BudgetState | undefined;
  /** What becomes of `budget` with that call. */
  spentAfter: { call: string; budget: BudgetState } | undefined;
  /** Larger plans than asked for stay, as in Postgres. */
  keepPlan = false;
  iterations: number;
  readonly #units: readonly (readonly [Phase, number])[];
  readonly #done = new Map<string, number>();
  readonly #finished = new Set<number>();
  readonly #faults = new Map<string, Fault>();
  readonly #hooks = new Map<string, () => Promise<void>>();
  #runId: string | undefined;
  /** Workflow that opened the run last. */
  #holder: string | undefined;
  #reportFault: (error: unknown) => void = () => undefined;
  /** Rejects when the workflow asked for something that it must not: it would only park on that. */
  readonly faulted: Promise<never>;

  constructor(options: FakeOptions = {}) {
    this.iterations = options.iterations ?? 2;
    this.#units = options.units ?? DEFAULT_UNITS;
    this.faulted = new Promise((_resolve, reject) => (this.#reportFault = reject));
    // Tests that never wait for it have their own way of failing.
    this.faulted.catch(() => undefined);
  }

  /** Makes the next `times` calls of that name fail. */
  fail(call: string, failure: Error, times = 1): void {
    this.#faults.set(call, { failure, times });
  }

  /** Runs before a call takes effect, e.g. to hold it up. */
  before(call: string, hook: () => Promise<void>): void {
    this.#hooks.set(call, hook);
  }

  /** Marks units as stored by an earlier workflow. */
  store(runId: string, iteration: number, phase: Phase, units: number): void {
    this.#runId = runId;
    this.#done.set(`${iteration} ${phase}`, units);
  }

  storeIteration(runId: string, iteration: number): void {
    for (const [phase, units] of this.#plan(iteration)) this.store(runId, iteration, phase, units);
    this.#finished.add(iteration);
  }

  /** Units only, in the order of their first success. */
  get units(): string[] {
    return this.calls.filter((call) => /^\w+ \d+\/\d+$/.test(call));
  }

  get activities(): RZeroActivities {
    const unit =
      (name: ActivityName) =>
      (ref: UnitRef): Promise<UnitResult> =>
        this.#runUnit(PHASE_OF[name]!, ref);
    return {
      openRun: async (input) => {
        this.inputs.push(input);
        return await this.#call('openRun', () => this.#open(input.runId, input.iterations));
      },
      extendRun: async ({ runId, iterations }) =>
        await this.#call('extendRun', () => {
          this.#checkRun(runId);
          if (iterations <= this.iterations) throw fakeFault(`extendRun to ${iterations} is no extension`);
          this.iterations = iterations;
          return this.#runPlan(true);
        }),
      setRunStatus: async (change) =>
        await this.#call(`setRunStatus ${change.status}`, () => {
          this.#checkRun(change.runId);
          this.#checkHolder(change.holder);
          this.statuses.push(change);
        }),
      changeRunInput: async ({ runId, holder, input }) =>
        await this.#call('changeRunInput', () => {
          this.#checkRun(runId);
          this.#checkHolder(holder);
          this.inputs.push(input);
        }),
      resetRun: async ({ runId, holder, iteration, phase }) =>
        await this.#call(`resetRun ${iteration} ${phase}`, () => {
          this.#checkRun(runId);
          this.#checkHolder(holder);
          this.#reset(iteration, phase);
          return this.#runPlan(true);
        }),
      beginIteration: async (ref) =>
        await this.#call(`beginIteration ${ref.iteration}`, () => {
          this.#checkRef(ref);
          return { runId: ref.runId, iteration: ref.iteration, phases: this.#phases(ref.iteration) };
        }),
      pruneCheckpoints: async (ref) =>
        await this.#call(`pruneCheckpoints ${ref.iteration}`, () => {
          this.#checkRef(ref);
          const open = this.#phases(ref.iteration).find((phase) => phase.nextUnit < phase.units);
          if (open) throw fakeFault(`iteration ${ref.iteration} is pruned before ${open.phase}`);
          return { pruned: 3, bytes: 3000 };
        }),
      finishIteration: async (ref) =>
        await this.#call(`finishIteration ${ref.iteration}`, () => {
          this.#checkRef(ref);
          const open = this.#phases(ref.iteration).find((phase) => phase.nextUnit < phase.units);
          if (open) throw fakeFault(`iteration ${ref.iteration} is finished before ${open.phase}`);
          this.#finished.add(ref.iteration);
          return { runId: ref.runId, iteration: ref.iteration, metrics: { kept: 10 + ref.iteration, accuracy: 0.25 } };
        }),
      planNight: async ({ runId, iterations }) =>
        await this.#call('planNight', () => this.night ?? this.#nightPlan(runId, iterations)),
      pauseSchedule: async (note) => {
        await this.#call('pauseSchedule', () => void this.scheduleNotes.push(note));
        await this.leaveNote?.(note);
      },
      openExperiment: () => Promise.reject(fakeFault('experiments are tested on a database')),
      readExperimentRun: () => Promise.reject(fakeFault('experiments are tested on a database')),
      // Not among the calls: most tests are about something else.
      checkAlarms: (ref) => {
        this.#checkRef(ref);
        return Promise.resolve(this.alarms.get(`${ref.iteration} ${ref.phase}`) ?? { raised: [], action: 'none' });
      },
      gateQuestions: unit('gateQuestions'),
      auditLabels: unit('auditLabels'),
      judgeLabels: unit('judgeLabels'),
      measureDiversity: unit('measureDiversity'),
      trainChallengerStep: unit('trainChallengerStep'),
      generateQuestions: unit('generateQuestions'),
      labelQuestions: unit('labelQuestions'),
      trainSolverStep: unit('trainSolverStep'),
      evaluateSolver: unit('evaluateSolver'),
    };
  }

  async #call<T>(name: string, effect: () => T): Promise<T> {
    const fault = this.#faults.get(name);
    if (fault && fault.times > 0) {
      fault.times -= 1;
      this.calls.push(`${name} failed`);
      throw fault.failure;
    }
    await this.#hooks.get(name)?.();
    try {
      const result = effect();
      this.calls.push(name);
      return result;
    } catch (error) {
      this.#reportFault(error);
      throw error;
    }
  }

  async #runUnit(phase: Phase, ref: UnitRef): Promise<UnitResult> {
    return await this.#call(`${phase} ${ref.iteration}/${ref.unit}`, () => {
      this.#checkRef(ref);
      const plans = this.#phases(ref.iteration);
      const plan = plans.find((known) => known.phase === phase);
      if (!plan) throw fakeFault(`iteration ${ref.iteration} has no phase ${phase}`);
      if (ref.unit !== plan.nextUnit) throw fakeFault(`${phase} unit ${ref.unit} came before ${plan.nextUnit}`);
      const unfinished = plans.slice(0, plans.indexOf(plan)).find((known) => known.nextUnit < known.units);
      if (unfinished) throw fakeFault(`${phase} came before the end of ${unfinished.phase}`);
      if (this.budget?.exhausted !== undefined) {
        return { reused: false, metrics: {}, untouched: true, budget: this.budget };
      }
      this.#done.set(`${ref.iteration} ${phase}`, ref.unit + 1);
      if (this.spentAfter?.call === `${phase} ${ref.iteration}/${ref.unit}`) this.budget = this.spentAfter.budget;
      return { reused: false, metrics: { unit: ref.unit }, ...this.#budgetNow() };
    });
  }

  #reset(iteration: number, phase: Phase): void {
    for (const known of this.#finished) if (known >= iteration) this.#finished.delete(known);
    for (const key of this.#done.keys()) {
      const [of, name] = key.split(' ') as [string, Phase];
      const isAfter = Number(of) === iteration && PHASE_ORDER.indexOf(name) >= PHASE_ORDER.indexOf(phase);
      if (Number(of) > iteration || isAfter) this.#done.delete(key);
    }
  }

  #open(runId: string | undefined, iterations: number | undefined): RunPlan {
    const resumed = this.#runId !== undefined;
    const name = runId ?? this.#runId ?? nameOfWorkflow();
    if (resumed) this.#checkRun(name);
    this.#runId = name;
    this.#holder = activityInfo().workflowExecution?.workflowId;
    if (iterations !== undefined) this.iterations = this.keepPlan ? Math.max(this.iterations, iterations) : iterations;
    return this.#runPlan(resumed);
  }

  #runPlan(resumed: boolean): RunPlan {
    let nextIteration = 0;
    while (this.#finished.has(nextIteration)) nextIteration += 1;
    return { runId: this.#runId!, iterations: this.iterations, nextIteration, resumed, ...this.#budgetNow() };
  }

  #budgetNow(): { budget?: BudgetState } {
    return this.budget === undefined ? {} : { budget: this.budget };
  }

  #nightPlan(runId: string, iterations: number): NightPlan {
    if (this.#runId !== runId) return { known: false, target: iterations };
    const { nextIteration } = this.#runPlan(true);
    return { known: true, status: 'running', target: Math.max(1, nextIteration) - 1 + iterations };
  }

  #plan(iteration: number): readonly (readonly [Phase, number])[] {
    return iteration === 0 ? [['evaluation', 1]] : this.#units;
  }

  #phases(iteration: number): PhasePlan[] {
    return this.#plan(iteration).map(([phase, units]) => ({
      phase,
      units,
      nextUnit: this.#done.get(`${iteration} ${phase}`) ?? 0,
    }));
  }

  #checkRun(runId: string): void {
    if (runId !== this.#runId) throw fakeFault(`unknown run ${runId}; the run is ${this.#runId}`);
  }

  #checkHolder(holder: string): void {
    if (holder !== this.#holder) throw fakeFault(`"${holder}" does not hold the lease, "${this.#holder}" does`);
  }

  #checkRef(ref: IterationRef): void {
    this.#checkRun(ref.runId);
    this.#checkHolder(ref.holder);
    if (ref.iteration > this.iterations) throw fakeFault(`iteration ${ref.iteration} is beyond ${this.iterations}`);
  }
}

/** As the real `openRun` does when the input names no run. */
function nameOfWorkflow(): string {
  return activityInfo().workflowExecution?.workflowId.replace(/^r-zero\//, '') ?? 'none';
}

/** A defect of the workflow under test: never retried, and unlike any failure that a test provokes. */
function fakeFault(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`Fake activity: ${message}`, 'FakeActivityFault');
}

/** A gate that an activity waits at until the test opens it. */
export function createGate(): { reached: Promise<void>; open: () => void; wait: () => Promise<void> } {
  const reached = deferred();
  const opened = deferred();
  return {
    reached: reached.promise,
    open: opened.resolve,
    wait: async () => {
      reached.resolve();
      await opened.promise;
    },
  };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
