/** What an experiment has come to, as one table: a line for each setting, means over the seeds with their intervals. */
import { meanInterval } from '../../activities/statistics.ts';
import type { Interval } from '../../activities/statistics.ts';
import type { ExperimentResultRow } from '../../db/queries/experiments.ts';
import { isNumber } from './numbers.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';

export interface SettingResult {
  setting: string;
  /** Runs of the setting, and those that have the last iteration. */
  runs: number;
  finished: number;
  /** Greedy accuracy of the base model, of the best iteration, and of the last. Fractions, as all that follow. */
  base: Interval | null;
  best: Interval | null;
  last: Interval | null;
  /** Accuracy of the last iteration in that of the best, run by run. */
  retained: Interval | null;
  sampled: Interval | null;
  workedShare: Interval | null;
  workedAccuracy: Interval | null;
  /** Share of true labels among what was kept in the last iteration. */
  labelAccuracy: Interval | null;
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

const hasAccuracy = ({ greedyAccuracy }: ExperimentResultRow): boolean => isNumber(greedyAccuracy);

function summarizeSetting(setting: string, iteration: number, all: readonly ExperimentResultRow[]): SettingResult {
  const rows = all.filter((row) => row.setting === setting);
  const runIds = [...new Set(rows.map(({ runId }) => runId))];
  const at = (runId: string, wanted: number) =>
    rows.find((row) => row.runId === runId && row.iteration === wanted && hasAccuracy(row));
  const finished = runIds.filter((runId) => at(runId, iteration) !== undefined);
  const bestOf = (runId: string): number =>
    Math.max(...rows.filter((row) => row.runId === runId && hasAccuracy(row)).map((row) => row.greedyAccuracy!));
  const last = (value: (row: ExperimentResultRow) => number | null): Interval | null =>
    meanInterval(finished.map((runId) => value(at(runId, iteration)!)).filter(isNumber));
  return {
    setting,
    runs: runIds.length,
    finished: finished.length,
    base: meanInterval(finished.map((runId) => at(runId, 0)?.greedyAccuracy).filter(isNumber)),
    best: meanInterval(finished.map(bestOf)),
    last: last((row) => row.greedyAccuracy),
    retained: meanInterval(
      finished
        .filter((runId) => bestOf(runId) > 0)
        .map((runId) => at(runId, iteration)!.greedyAccuracy! / bestOf(runId)),
    ),
    sampled: last((row) => row.sampledAccuracy),
    workedShare: last((row) => row.workedShare),
    workedAccuracy: last((row) => row.workedAccuracy),
    labelAccuracy: last((row) => row.labelAccuracy),
  };
}

const COLUMNS = [
  'setting',
  'runs',
  'base',
  'best',
  'last',
  'last / best',
  'sampled',
  'worked',
  'of these right',
  'labels true',
];

function cellsOf(result: SettingResult): string[] {
  const { setting, runs, finished, base, best, last, retained, sampled, workedShare, workedAccuracy, labelAccuracy } =
    result;
  return [
    printable(setting),
    finished === runs ? String(runs) : `${finished} of ${runs}`,
    ...[base, best, last, retained, sampled, workedShare, workedAccuracy, labelAccuracy].map(percentWithMargin),
  ];
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
    `Base, best and last are greedy accuracy on the held-out questions; worked answers show their steps.`,
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
