/** Snapshots made by hand, so that what is drawn from them is known. */
import type { Phase } from '../../../activities/contract.ts';
import type { IterationRow } from '../../../db/queries/summary.ts';
import { resolveRunInput } from '../../../activities/run-input.ts';
import { PHASE_ORDER } from '../../../activities/phases.ts';
import type { PhaseState, RunFacts, RunSnapshot } from '../../../infra/cli/run-snapshot.ts';
import type { Terminal } from '../../../infra/cli/terminal.ts';

export const plain: Terminal['style'] = (_format, text) => text;

export const START = new Date('2026-03-01T10:00:00');

export function at(seconds: number): Date {
  return new Date(START.getTime() + seconds * 1000);
}

export function runFacts(change: Partial<RunFacts> = {}): RunFacts {
  return {
    runId: 'demo',
    seed: 1,
    preset: 'default',
    control: 'none',
    iterations: 2,
    status: 'running',
    statusReason: null,
    config: resolveRunInput({}).config,
    engine: null,
    createdAt: START,
    updatedAt: START,
    ...change,
  };
}

export function phaseState(iteration: number, phase: Phase, change: Partial<PhaseState> = {}): PhaseState {
  return { iteration, phase, units: 4, unitsDone: 0, seconds: 0, startedAt: null, lastFinishedAt: null, ...change };
}

/** All phases of an iteration, each with 4 units and finished after 10 s of work. */
export function finishedPhases(iteration: number): PhaseState[] {
  const phases: readonly Phase[] = iteration === 0 ? ['evaluation'] : PHASE_ORDER;
  return phases.map((phase) => phaseState(iteration, phase, { unitsDone: 4, seconds: 10, startedAt: START }));
}

export function summaryRow(iteration: number, change: Partial<IterationRow> = {}): IterationRow {
  return {
    iteration,
    greedy_accuracy: null,
    sampled_accuracy: null,
    majority_accuracy: null,
    worked_share: null,
    worked_accuracy: null,
    generated: null,
    parsed: null,
    voted: null,
    kept: null,
    mean_p_hat: null,
    label_accuracy: null,
    label_accuracy_lower: null,
    label_accuracy_upper: null,
    audited: null,
    seconds: 0,
    ...change,
  };
}

export const BASE = summaryRow(0, {
  greedy_accuracy: 0.28,
  sampled_accuracy: 0.4,
  majority_accuracy: 0.7,
  worked_share: 0.44,
  worked_accuracy: 0.77,
  seconds: 4,
});

export const FIRST = summaryRow(1, {
  greedy_accuracy: 0.94,
  sampled_accuracy: 0.55,
  majority_accuracy: 0.8,
  worked_share: 0.75,
  worked_accuracy: 0.78,
  generated: 384,
  parsed: 350,
  voted: 350,
  kept: 180,
  mean_p_hat: 0.61,
  label_accuracy: 0.86,
  audited: 180,
  seconds: 70,
});

export const SECOND = summaryRow(2, {
  ...FIRST,
  iteration: 2,
  sampled_accuracy: 0.65,
  worked_share: 0.9,
  kept: 120,
  audited: 120,
});

export function finishedRun(change: Partial<RunFacts> = {}): RunSnapshot {
  return {
    run: runFacts({ status: 'completed', ...change }),
    phases: [0, 1, 2].flatMap(finishedPhases),
    summaries: [BASE, FIRST, SECOND],
  };
}
