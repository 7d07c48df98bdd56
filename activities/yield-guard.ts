/**
 * What is said and done when the gate keeps few questions. With fewer than a Solver step takes, the step repeats some and
 * counts them; with fewer than `gate.minimumQuestions` nothing is trained: training on next to nothing would look like a
 * run and be none.
 */
import { RZeroError } from './errors.ts';
import type { RunConfig } from './run-input.ts';
import type { QuestionCount } from '../db/queries/lineage.ts';

export interface DatasetYield {
  kept: number;
  /** Questions of one Solver step; 0 when the run has none. */
  needed: number;
  /** By how many the data set is too small for one step without repeating a question. */
  short: number;
}

type YieldConfig = Pick<RunConfig, 'control' | 'gate' | 'solver'>;

export function datasetYield({ solver }: YieldConfig, kept: number): Record<keyof DatasetYield, number> {
  const needed = solver.steps === 0 ? 0 : solver.questions;
  return { kept, needed, short: Math.max(0, needed - kept) };
}

export type YieldVerdict = 'train' | 'skip' | 'park';

export function judgeYield({ gate, control }: YieldConfig, kept: number): YieldVerdict {
  if (kept >= gate.minimumQuestions) return 'train';
  return gate.onTooFew ?? (control === 'none' ? 'park' : 'skip');
}

/** @param counts where the questions of the iteration went, by stage and reason */
export function tooFewQuestions(
  { gate }: YieldConfig,
  iteration: number,
  kept: number,
  counts: readonly QuestionCount[],
): RZeroError {
  const generated = kept + counts.reduce((sum, { questions }) => sum + questions, 0);
  const of = (stage: QuestionCount['stage']): string =>
    counts
      .filter((count) => count.stage === stage)
      .map(({ reason, questions }) => `${questions} ${reason}`)
      .join(', ');
  const dropped = of('gate');
  const unparsed = of('parsing');
  return new RZeroError(
    'TooFewQuestions',
    `Iteration ${iteration} kept ${kept} of ${generated} questions; training the Solver needs ${gate.minimumQuestions}.` +
      (dropped === '' ? '' : ` The gate dropped: ${dropped}.`) +
      (unparsed === '' ? '' : ` Not parsed: ${unparsed}.`),
    {
      field: 'gate.minimumQuestions',
      fix: 'Start a run with a wider band (gate.lower, gate.upper), looser gate.duplicates, more labelling.questions, or gate.onTooFew "skip".',
    },
  );
}
