/** What an experiment has come to, as one table: a line for each setting, means over the seeds with their intervals. */
import { meanInterval } from '../../activities/statistics.ts';
import type { Interval } from '../../activities/statistics.ts';
import type { ExperimentResultRow } from '../../db/queries/experiments.ts';
import { isNumber } from './numbers.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';

/** A number of the base model, of the best iteration, and of the last; `retained` is the last in the best, run by run. */
export interface Course {
  base: Interval | null;
  best: Interval | null;
  last: Interval | null;
  retained: Interval | null;
}

export interface SettingResult {
  setting: string;
  /** Runs of the setting, and those that have the last iteration. Only these are in the numbers. */
  runs: number;
  finished: number;
  /** On the held-out questions. Fractions, as all that follow. */
  greedy: Course;
  sampled: Course;
  /** Of the sampled answers those that show their steps, and of these the right ones: elicitation, and ability. */
  workedShare: Course;
  workedAccuracy: Course;
  /** Iteration of the best greedy accuracy. */
  bestIteration: Interval | null;
  /** Share of true labels among what was kept: in the first iteration that kept something, and in the last. */
  labelsFirst: Interval | null;
  labelsLast: Interval | null;
  /** Tokens sampled and seconds at work, of a run up to the last iteration. */
  tokens: Interval | null;
  seconds: Interval | null;
}

export interface ExperimentReport {
  experimentId: string;
  /** The furthest iteration that a run has; settings are compared there. */
  iteration: number;
  settings: SettingResult[];
  /** Runs that stand still or have failed, and why. */
  troubles: { runId: string; status: string; reason: string | null }[];
}

export function summarizeExperiment(experimentId: string, rows: readonly ExperimentResultRow[]): ExperimentReport {
  const iteration = Math.max(0, ...rows.filter(hasAccuracy).map((row) => row.iteration ?? 0));
  const settings = [...new Set(rows.map(({ setting }) => setting))];
  const troubled = new Map(
    rows
      .filter(({ status }) => status !== null && ['parked', 'failed', 'cancelled', 'waiting'].includes(status))
      .map(({ runId, status, statusReason }) => [runId, { runId, status: status!, reason: statusReason }]),
  );
  return {
    experimentId,
    iteration,
    settings: settings.map((setting) => summarizeSetting(setting, iteration, rows)),
    troubles: [...troubled.values()],
  };
}

/** @param ended what the workflow says of runs that its rows do not show to be in trouble, such as those that others advance */
export function withTroubles(
  report: ExperimentReport,
  ended: readonly { runId: string; reason: string }[],
): ExperimentReport {
  const known = new Set(report.troubles.map(({ runId }) => runId));
  const more = ended
    .filter(({ runId }) => !known.has(runId))
    .map(({ runId, reason }) => ({ runId, status: 'left out', reason }));
  return { ...report, troubles: [...report.troubles, ...more] };
}

const hasAccuracy = ({ greedyAccuracy }: ExperimentResultRow): boolean => isNumber(greedyAccuracy);

type Reading = (row: ExperimentResultRow) => number | null;

function summarizeSetting(setting: string, iteration: number, all: readonly ExperimentResultRow[]): SettingResult {
  const rows = all.filter((row) => row.setting === setting);
  const runIds = [...new Set(rows.map(({ runId }) => runId))];
  // By run, its iterations in their order; of runs that have come to the last.
  const runs = runIds
    .map((runId) => rows.filter((row) => row.runId === runId && row.iteration !== null && hasAccuracy(row)))
    .filter((own) => own.some((row) => row.iteration === iteration));
  const over = (value: (own: readonly ExperimentResultRow[]) => number | null | undefined): Interval | null =>
    meanInterval(runs.map(value).filter(isNumber));
  const course = (read: Reading): Course => {
    const last = (own: readonly ExperimentResultRow[]) => read(own.at(-1)!);
    const best = (own: readonly ExperimentResultRow[]) => {
      const values = own.map(read).filter(isNumber);
      return values.length === 0 ? null : Math.max(...values);
    };
    return {
      base: over((own) => (own[0]!.iteration === 0 ? read(own[0]!) : null)),
      best: over(best),
      last: over(last),
      retained: over((own) => {
        const highest = best(own);
        const reached = last(own);
        return isNumber(highest) && isNumber(reached) && highest > 0 ? reached / highest : null;
      }),
    };
  };
  const greedy: Reading = (row) => row.greedyAccuracy;
  const total = (read: Reading) => (own: readonly ExperimentResultRow[]) =>
    own.map(read).reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return {
    setting,
    runs: runIds.length,
    finished: runs.length,
    greedy: course(greedy),
    sampled: course((row) => row.sampledAccuracy),
    workedShare: course((row) => row.workedShare),
    workedAccuracy: course((row) => row.workedAccuracy),
    bestIteration: over((own) => own.reduce((a, b) => (greedy(b)! > greedy(a)! ? b : a)).iteration),
    labelsFirst: over((own) => own.map(({ labelAccuracy }) => labelAccuracy).find(isNumber)),
    labelsLast: over((own) => own.map(({ labelAccuracy }) => labelAccuracy).findLast(isNumber)),
    tokens: over(total((row) => row.tokens)),
    seconds: over(total((row) => row.seconds)),
  };
}

const COLUMNS = [
  'setting',
  'runs',
  'greedy',
  'best',
  'at',
  'last / best',
  'sampled',
  'last / best',
  'worked',
  'of these right',
  'labels true',
  'M tokens',
  'seconds',
];

function cellsOf(result: SettingResult): string[] {
  const { setting, runs, finished, greedy, sampled, workedShare, workedAccuracy } = result;
  return [
    printable(setting),
    finished === runs ? String(runs) : `${finished} of ${runs}`,
    fromTo(greedy.base, greedy.last),
    percentWithMargin(greedy.best),
    result.bestIteration === null ? '–' : result.bestIteration.mean.toFixed(1),
    percentWithMargin(greedy.retained),
    fromTo(sampled.base, sampled.last),
    percentWithMargin(sampled.retained),
    fromTo(workedShare.base, workedShare.last),
    fromTo(workedAccuracy.base, workedAccuracy.last),
    fromTo(result.labelsFirst, result.labelsLast),
    result.tokens === null ? '–' : (result.tokens.mean / 1e6).toFixed(2),
    result.seconds === null ? '–' : result.seconds.mean.toFixed(0),
  ];
}

/** `26.0 → 95.6 ± 1.9`: the mean before, without its interval, and what came of it. */
function fromTo(before: Interval | null, after: Interval | null): string {
  if (before === null || after === null) return percentWithMargin(after);
  return `${(before.mean * 100).toFixed(1)} → ${percentWithMargin(after)}`;
}

/** `95.6 ± 1.9`: percent, and half of the 95 % interval. */
export function percentWithMargin(interval: Interval | null): string {
  if (interval === null) return '–';
  const { mean, margin } = interval;
  const digits = (value: number): string => (value * 100).toFixed(1);
  return margin === null ? digits(mean) : `${digits(mean)} ± ${digits(margin)}`;
}

export function renderExperiment(report: ExperimentReport): string {
  const { iteration, settings, troubles } = report;
  return [
    `Experiment ${printable(report.experimentId)} at iteration ${iteration}. Percent; ± is half of Student's 95 % interval over the seeds.`,
    `Greedy and sampled are accuracy on the held-out questions, of the base model → now; best and at are of greedy.`,
    `Worked answers show their steps. Labels are those of the first → the last iteration.`,
    '',
    plainTable(COLUMNS, settings.map(cellsOf)),
    ...(troubles.length === 0 ? [] : ['', 'Not finished:']),
    ...troubles.map(
      ({ runId, status, reason }) =>
        `  ${printable(runId)} is ${status}${reason === null ? '' : `: ${printable(reason)}`}`,
    ),
  ].join('\n');
}

/** The same table for a document. */
export function renderExperimentMarkdown({ settings }: ExperimentReport): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(COLUMNS),
    line(COLUMNS.map((_, index) => (index === 0 ? '---' : '---:'))),
    ...settings.map((row) => line(cellsOf(row))),
  ].join('\n');
}
