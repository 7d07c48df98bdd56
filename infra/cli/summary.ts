/** The run's result by iteration: tables for people, one object for scripts. */
import type { IterationRow } from '../../db/queries/summary.ts';
import { count, decimal, duration, isNumber, percent, percentOf, points } from './numbers.ts';
import { PHASE_WORDS } from './phase-text.ts';
import { describeControl } from '../../activities/control.ts';
import type { RunConfig } from '../../activities/run-input.ts';
import { PHASE_ORDER } from '../../activities/phases.ts';
import { renderEvaluation } from './evaluation-text.ts';
import type { RunSnapshot } from './run-snapshot.ts';
import { explainLoop, solverStepsTrained } from './loop-facts.ts';
import { renderLabelAccuracy, within } from './label-accuracy-text.ts';
import { plainTable } from './tables.ts';
import type { Paint } from './terminal.ts';

/** More rows than this say less; `run status --json` has them all. */
const MOST_ROWS = 20;

const name = (iteration: number) => (iteration === 0 ? 'base' : String(iteration));

/** The base model and the last iterations. */
function shown(rows: readonly IterationRow[]): IterationRow[] {
  return rows.filter(({ iteration }, index) => iteration === 0 || index >= rows.length - MOST_ROWS);
}

/** Three tables, each narrower than 100 characters, and what the numbers mean in one sentence. */
export function renderSummary(snapshot: RunSnapshot, paint: Paint): string {
  const summaries = shown(snapshot.summaries);
  const base = summaries.find(({ iteration }) => iteration === 0);
  const evaluated = summaries.filter((row) => isNumber(row.greedy_accuracy) || isNumber(row.sampled_accuracy));
  const trained = summaries.filter(({ iteration }) => iteration > 0);
  const parts: string[] = [];
  if (evaluated.length > 0) {
    parts.push(
      `${paint('bold', 'Solver on held-out questions')} (gain against the base model in points)`,
      plainTable(
        ['iteration', 'greedy', 'gain', 'sampled T=1', 'gain', 'majority', 'gain', 'worked answers', 'of these right'],
        evaluated.map((row) => [
          name(row.iteration),
          ...accuracyCells(row, base, 'greedy_accuracy'),
          ...accuracyCells(row, base, 'sampled_accuracy'),
          ...accuracyCells(row, base, 'majority_accuracy'),
          percent(row.worked_share),
          percent(row.worked_accuracy),
        ]),
      ),
      '',
    );
  }
  if (snapshot.evaluation) parts.push(...renderEvaluation(snapshot.evaluation, paint));
  if (trained.length > 0) {
    parts.push(
      paint('bold', 'Questions written by the Challenger'),
      plainTable(
        ['iteration', 'generated', 'parsed', 'kept', 'mean p̂', 'pseudo-labels true'],
        trained.map((row) => [
          name(row.iteration),
          count(row.generated),
          count(row.parsed),
          count(row.kept),
          decimal(row.mean_p_hat),
          `${percentOf(row.label_accuracy, row.audited, row.kept)}${within(row.label_accuracy_lower, row.label_accuracy_upper)}`,
        ]),
      ),
      '',
      ...labelTable(snapshot, paint),
      paint('bold', 'Working time by phase'),
      // Without held-out questions there is nothing to do for the base model.
      timeTable(snapshot, evaluated.length > 0 ? summaries : trained),
      '',
    );
  }
  if (summaries.length < snapshot.summaries.length) {
    parts.push(`Only the last ${MOST_ROWS} of ${snapshot.summaries.length - 1} iterations are shown.`, '');
  }
  const meaning = explainGain(snapshot) ?? explainLoop(snapshot);
  if (meaning) parts.push(meaning);
  return parts.join('\n').trimEnd();
}

/** What others than exact arithmetic say of the labels; nothing when nobody else was asked. */
function labelTable({ labels = [] }: RunSnapshot, paint: Paint): string[] {
  if (labels.every(({ oracle }) => oracle === 'computed')) return [];
  const iterations = [...new Set(labels.map(({ iteration }) => iteration))].slice(-MOST_ROWS);
  const rows = labels.filter(({ iteration }) => iterations.includes(iteration));
  return [`${paint('bold', 'Labels by oracle')} (intervals of 95 %)`, renderLabelAccuracy(rows), ''];
}

type Accuracy = 'greedy_accuracy' | 'sampled_accuracy' | 'majority_accuracy';

function accuracyCells(row: IterationRow, base: IterationRow | undefined, field: Accuracy): [string, string] {
  return [percent(row[field]), row.iteration === 0 ? '' : points(row[field], base?.[field])];
}

function timeTable({ phases }: RunSnapshot, rows: readonly IterationRow[]): string {
  const present = PHASE_ORDER.filter((phase) => phases.some((state) => state.phase === phase));
  return plainTable(
    ['iteration', ...present.map((phase) => PHASE_WORDS[phase].short), 'all'],
    rows.map((row) => [
      name(row.iteration),
      ...present.map((phase) => {
        const state = phases.find((candidate) => candidate.iteration === row.iteration && candidate.phase === phase);
        return state ? duration(state.seconds) : '';
      }),
      duration(row.seconds),
    ]),
  );
}

/** Share of the base model's worked answers below which "rises" is said, in fractions. */
const NOTABLE = 0.1;

/**
 * Where the gain comes from, in one sentence, from the run's own numbers. Sampled accuracy is
 * share of worked answers × their accuracy + the rest; whichever factor moved explains it.
 */
export function explainGain({ run, summaries }: Pick<RunSnapshot, 'run' | 'summaries'>): string | undefined {
  const { base, final } = ends(summaries);
  if (!base || !final) return undefined;
  const gain = difference(final.sampled_accuracy, base.sampled_accuracy);
  const share = difference(final.worked_share, base.worked_share);
  const skill = difference(final.worked_accuracy, base.worked_accuracy);
  if (gain === undefined || share === undefined) return undefined;
  const numbers =
    `answers with worked steps went from ${percent(base.worked_share)} to ${percent(final.worked_share)} of all, ` +
    `and of those ${percent(base.worked_accuracy)} were right before, ${percent(final.worked_accuracy)} after`;
  const control = describeControl(run.control);
  if (control !== undefined) return `A control: ${control}; ${numbers}.`;
  if (gain < 0.02) return `Sampled accuracy did not rise: ${numbers}.`;
  if (share >= NOTABLE && (skill === undefined || skill < share / 3)) {
    return (
      `What was gained is elicitation: ${numbers}. ` +
      'The Solver learned to use steps it could already take; it hardly learned new arithmetic.'
    );
  }
  return `Where the gain comes from: ${numbers}.`;
}

function difference(after: number | null, before: number | null): number | undefined {
  return isNumber(after) && isNumber(before) ? after - before : undefined;
}

/** The base model's row and that of the last evaluated iteration. */
function ends(summaries: readonly IterationRow[]): { base: IterationRow | undefined; final: IterationRow | undefined } {
  const evaluated = summaries.filter((row) => isNumber(row.sampled_accuracy) || isNumber(row.greedy_accuracy));
  const base = evaluated.find(({ iteration }) => iteration === 0);
  const final = evaluated.filter(({ iteration }) => iteration > 0).at(-1);
  return { base, final };
}

/** What `demo --json` prints; accuracies are fractions, absent measurements are null. */
export interface DemoResult {
  runId: string;
  iterations: number;
  seed: number;
  control: string;
  preset: string;
  model: string;
  baseGreedy: number | null;
  finalGreedy: number | null;
  baseSampled: number | null;
  finalSampled: number | null;
  baseMajority: number | null;
  finalMajority: number | null;
  baseWorkedShare: number | null;
  finalWorkedShare: number | null;
  baseWorkedAccuracy: number | null;
  finalWorkedAccuracy: number | null;
  /** Share of true pseudo-labels among the kept questions, one entry per iteration from 1 on. */
  labelAccuracy: (number | null)[];
  /** Questions that the Challenger wrote, those in the form that is asked for, and kept ones, by iteration from 1 on. */
  generated: (number | null)[];
  parsed: (number | null)[];
  kept: (number | null)[];
  /** Mean share of the majority in the votes, by iteration from 1 on. */
  meanPHat: (number | null)[];
  /** Steps in which the Solver was trained, by iteration from 1 on: none when too few questions were kept. */
  solverSteps: number[];
  /** Wall time of the command, set-up included. */
  seconds: number;
}

export function demoResult(snapshot: RunSnapshot, seconds: number): DemoResult {
  const { run, summaries } = snapshot;
  const { base, final } = ends(summaries);
  const trained = summaries.filter(({ iteration }) => iteration > 0);
  return {
    runId: run.runId,
    iterations: run.iterations,
    seed: run.seed,
    control: run.control,
    preset: run.preset,
    model: (run.config as RunConfig).model,
    baseGreedy: base?.greedy_accuracy ?? null,
    finalGreedy: final?.greedy_accuracy ?? null,
    baseSampled: base?.sampled_accuracy ?? null,
    finalSampled: final?.sampled_accuracy ?? null,
    baseMajority: base?.majority_accuracy ?? null,
    finalMajority: final?.majority_accuracy ?? null,
    baseWorkedShare: base?.worked_share ?? null,
    finalWorkedShare: final?.worked_share ?? null,
    baseWorkedAccuracy: base?.worked_accuracy ?? null,
    finalWorkedAccuracy: final?.worked_accuracy ?? null,
    labelAccuracy: trained.map((row) => row.label_accuracy),
    generated: trained.map((row) => row.generated),
    parsed: trained.map((row) => row.parsed),
    kept: trained.map((row) => row.kept),
    meanPHat: trained.map((row) => row.mean_p_hat),
    solverSteps: trained.map((row) => solverStepsTrained(snapshot, row)),
    seconds: Math.round(seconds * 10) / 10,
  };
}
