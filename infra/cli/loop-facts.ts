/** What a run shows that had no held-out questions to measure a gain on: that the loop ran, and how much of it. */
import type { RunConfig } from '../../activities/run-input.ts';
import { judgeYield } from '../../activities/yield-guard.ts';
import type { IterationRow } from '../../db/queries/summary.ts';
import { count, percent } from './numbers.ts';
import type { RunSnapshot } from './run-snapshot.ts';
import { printable } from './terminal.ts';

/** Undefined when the run was evaluated, or has not finished an iteration's questions yet. */
export function explainLoop(snapshot: RunSnapshot): string | undefined {
  const { run, summaries, phases } = snapshot;
  if (phases.some(({ phase }) => phase === 'evaluation')) return undefined;
  const rows = summaries.filter(({ iteration, kept }) => iteration > 0 && kept !== null);
  if (rows.length === 0) return undefined;
  const sum = (read: (row: IterationRow) => number | null): number =>
    rows.reduce((total, row) => total + (read(row) ?? 0), 0);
  const { model, gate } = run.config as RunConfig;
  const [generated, parsed, kept] = [sum((row) => row.generated), sum((row) => row.parsed), sum((row) => row.kept)];
  const solver = sum((row) => solverStepsTrained(snapshot, row));
  const challenger = stepsDone(snapshot, 'challenger_training');
  const steps = (number: number): string => `${count(number)} step${number === 1 ? '' : 's'}`;
  return [
    `The loop ran on ${model === 'builtin' ? 'the built-in base model' : printable(model)}: ` +
      `${count(parsed)} of ${count(generated)} questions (${percent(parsed / generated)}) had the form that is asked for, ` +
      `${count(kept)} were kept.`,
    `Trained: the Challenger for ${steps(challenger)}, the Solver for ${steps(solver)}; each left a checkpoint.`,
    ...(solver < stepsDone(snapshot, 'solver_training')
      ? [
          `The Solver was not trained on fewer than ${count(gate.minimumQuestions)} kept questions: those steps were skipped.`,
        ]
      : []),
    'No gain was measured, and none is claimed: there are no held-out questions for this model.',
  ].join('\n');
}

/** Steps of an iteration in which the Solver was trained: none when the gate kept too few questions. */
export function solverStepsTrained(snapshot: RunSnapshot, { iteration, kept }: IterationRow): number {
  const trained = judgeYield(snapshot.run.config as RunConfig, kept ?? 0) === 'train';
  return trained ? stepsDone(snapshot, 'solver_training', iteration) : 0;
}

function stepsDone(
  { phases }: RunSnapshot,
  phase: 'challenger_training' | 'solver_training',
  iteration?: number,
): number {
  return phases
    .filter((state) => state.phase === phase && (iteration === undefined || state.iteration === iteration))
    .reduce((sum, { unitsDone }) => sum + unitsDone, 0);
}
