/** What a person sees on the page of an experiment in the Temporal UI. */
import { code, escapeText, progressBar, block, sqlLiteral, table } from './markdown.ts';
import type { ExperimentResult } from './messages.ts';

export interface ExperimentState extends ExperimentResult {
  /** Runs that are going on. */
  current: string[];
  /** Runs that have parked since they began, and why; some may have been resumed. */
  parked: Map<string, string>;
}

/** More rows than this are no use on the page; they are in the result. */
const MOST_TROUBLES = 20;

export function renderExperiment({ experimentId, runs, finished, current, parked, troubles }: ExperimentState): string {
  const rows = [
    ['Runs', progressBar(runs === 0 ? 1 : (finished + troubles.length) / runs)],
    ['Finished', `${finished} of ${runs}`],
    ...current.map((runId) => ['Going on', code(runId)]),
    ...[...parked].map(([runId, reason]) => [
      'Parked',
      `${code(runId)}: ${escapeText(reason)} Resume it on its page, or: ${code(`npx r-zero run resume ${runId}`)}`,
    ]),
    ...troubles
      .slice(0, MOST_TROUBLES)
      .map(({ runId, reason }) => ['Not finished', `${code(runId)}: ${escapeText(reason)}`]),
  ];
  return [
    `### Experiment ${code(experimentId)}`,
    table(['', ''], rows),
    '#### Ask Postgres',
    block('sql', [
      `select * from r_zero.experiment_results where experiment_id = ${sqlLiteral(experimentId)} order by setting, seed, iteration;`,
      `select * from r_zero.experiment_summary where experiment_id = ${sqlLiteral(experimentId)} order by setting, iteration;`,
    ]),
  ].join('\n\n');
}
