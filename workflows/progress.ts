/**
 * What a person sees on the pages of a run and of an iteration in the Temporal UI: Markdown of the live details. Only
 * ids, states, counts and failure messages; text that a model wrote never comes here.
 */
import type { IterationSummary, Phase, PhasePlan } from '../activities/contract.ts';
import { budgetLine, checkpointLine, inWords, metricsLine, phaseLine, timeLine } from './detail-lines.ts';
import { block, code, escapeText, formatNumber, progressBar, sqlLiteral, table } from './markdown.ts';
import type { IterationReport, NightResult, RunStatusView } from './messages.ts';
import type { Night } from './night-request.ts';
import { describeFacts } from './phase-facts.ts';
import type { Facts } from './phase-facts.ts';
import { steeringCommands } from './steering-commands.ts';
import { PHASES } from './units.ts';

/** More columns than this make the table unreadable on the page; the rest is in Postgres. */
const MOST_COLUMNS = 8;
const MOST_ROWS = 30;
export function iterationTitle(iteration: number): string {
  return iteration === 0 ? 'Evaluation of the base model' : `Iteration ${iteration}`;
}

/** Details of `rZeroRun`. */
export function renderRun(view: RunStatusView): string {
  const rows: string[][] = [['Status', `**${view.status}**${statusNote(view)}`]];
  if (view.resumed) rows.push(['Start', 'continued from what was stored']);
  if (view.iterations !== undefined) {
    const at = view.iteration === undefined ? '' : `${iterationTitle(view.iteration)}, `;
    rows.push(['Iteration', `${at}${view.iterations} planned`]);
  }
  if (view.phase !== undefined) rows.push(['Phase', phaseLine(view.phase, view.unit ?? 0, view.units ?? 0)]);
  rows.push(['Run', progressBar(view.progress)]);
  if (view.timeLeft !== undefined) rows.push(['Time left', timeLine(view.timeLeft)]);
  if (view.budget !== undefined) rows.push(['Budget', budgetLine(view.budget)]);
  if (view.checkpoint !== undefined) rows.push(['Checkpoint', checkpointLine(view.checkpoint)]);
  if (view.alarms !== undefined) rows.push(['Alarms', view.alarms.map(code).join(', ')]);
  const last = metricsLine(view.lastMetrics);
  if (last) rows.push(['Last unit', last]);

  const parts = [`### R-Zero run ${code(view.runId)}`, table(['', ''], rows), ...whatToDo(view)];
  const facts = factRows(view.facts ?? {});
  if (facts.length > 0 && view.iteration !== undefined && !isSummed(view)) {
    parts.push(`#### ${iterationTitle(view.iteration)}`, table(['', ''], facts));
  }
  if (view.summaries.length > 0) parts.push('#### Finished iterations', summaryTable(view.summaries));
  parts.push(
    '#### Ask Postgres',
    block('sql', [
      `select * from r_zero.iteration_summary where run_id = ${sqlLiteral(view.runId)} order by iteration;`,
      `select * from r_zero.funnel where run_id = ${sqlLiteral(view.runId)} order by iteration;`,
      `select * from r_zero.dataset where run_id = ${sqlLiteral(view.runId)} limit 20;`,
    ]),
  );
  // Before the run is open its name may be anything.
  if (view.iterations !== undefined) parts.push('#### From a shell', block('sh', steeringCommands(view)));
  return parts.join('\n\n');
}

/** Details of `rZeroNightly`. @param result undefined while the night goes on */
export function renderNight(night: Night, result?: NightResult): string {
  const { runId, iterations, budget } = night;
  const limits = Object.entries(budget).map(([name, limit]) => `${escapeText(name)} ${escapeText(String(limit))}`);
  const rows = [
    ['Night', result === undefined ? 'going on' : `**${result.status}**`],
    ['Asked for', `${iterations} iteration${iterations === 1 ? '' : 's'} more`],
    ...(limits.length === 0 ? [] : [['Budget', limits.join(', ')]]),
    ...(result === undefined ? [] : [['Finished', `${result.finished}, the base model's evaluation included`]]),
  ];
  const message =
    result === undefined ? 'Progress is on the page of the run, its child.' : `> ${escapeText(result.message)}`;
  return [`### Night of run ${code(runId)}`, table(['', ''], rows), message].join('\n\n');
}

export interface IterationView {
  runId: string;
  iteration: number;
  report: IterationReport;
  phases: readonly PhasePlan[];
  /** Finished units by phase. */
  done: Readonly<Partial<Record<Phase, number>>>;
  /** Units whose result was stored already, so that nothing was repeated for them. */
  reused: number;
}

/** Details of `rZeroIteration`. */
export function renderIteration(view: IterationView): string {
  const { report } = view;
  const head = [['Status', `**${report.status}**`]];
  head.push(['Iteration', progressBar(report.progress)]);
  if (report.checkpoint !== undefined) head.push(['Checkpoint', checkpointLine(report.checkpoint)]);
  const last = metricsLine(report.metrics);
  if (last) head.push(['Last unit', last]);
  if (view.reused > 0) {
    head.push(['Continued', `${view.reused} unit${view.reused === 1 ? ' was' : 's were'} stored already`]);
  }
  const parts = [`### ${iterationTitle(view.iteration)} of run ${code(view.runId)}`, table(['', ''], head)];
  if (report.reason) parts.push(`> ${escapeText(report.reason)}`);
  if (report.status !== 'running') parts.push(`Steer it on the page of the run ${code(view.runId)}: *Send an Update*.`);
  const rows = view.phases.map((phase) => {
    const done = view.done[phase.phase] ?? phase.nextUnit;
    return [
      PHASES[phase.phase].title,
      `${done} of ${phase.units}`,
      progressBar(phase.units === 0 ? 1 : done / phase.units),
      describeFacts(phase.phase, report.facts?.[phase.phase]),
    ];
  });
  if (rows.length > 0) parts.push(table(['Phase', 'Done', '', ''], rows));
  return parts.join('\n\n');
}

/** Phases that have begun, in their order, with what came of them so far. */
function factRows(facts: Facts): string[][] {
  return Object.entries(PHASES).flatMap(([phase, { title }]) => {
    const said = describeFacts(phase as Phase, facts[phase as Phase]);
    return said === '' ? [] : [[title, said]];
  });
}

/** True when the iteration at work has ended and stands in the table of the finished ones. */
function isSummed({ iteration, summaries }: RunStatusView): boolean {
  return summaries.some((summary) => summary.iteration === iteration);
}

/** One row per metric in order of first appearance, one column per iteration: names are long, numbers are short. */
function summaryTable(summaries: readonly IterationSummary[]): string {
  const [first] = summaries;
  // The base model stays in sight however long the run is.
  const shown = summaries.length <= MOST_COLUMNS || !first ? summaries : [first, ...summaries.slice(1 - MOST_COLUMNS)];
  const names = [...new Set(shown.flatMap((summary) => Object.keys(summary.metrics)))]
    .filter((name) => name !== 'iteration' && !isBound(name))
    .slice(0, MOST_ROWS);
  const rows = names.map((name) => [
    escapeText(inWords(name)),
    ...shown.map(({ metrics }) => `${formatMetric(name, metrics[name])}${interval(name, metrics)}`),
  ]);
  return table(['', ...shown.map(({ iteration }) => (iteration === 0 ? 'base' : String(iteration)))], rows);
}

/** Ends of an interval stand behind the number that they belong to. */
function isBound(name: string): boolean {
  return name.startsWith('label_accuracy') && /_(?:lower|upper)$/.test(name);
}

function interval(name: string, metrics: IterationSummary['metrics']): string {
  const { [`${name}_lower`]: lower, [`${name}_upper`]: upper } = metrics;
  return lower === undefined || upper === undefined ? '' : ` (${(lower * 100).toFixed(1)}–${(upper * 100).toFixed(1)})`;
}

function formatMetric(name: string, value: number | undefined): string {
  if (value === undefined) return '';
  return /^label_accuracy|(?:accuracy|share)$/.test(name) ? `${(value * 100).toFixed(1)} %` : formatNumber(value);
}

function statusNote(view: RunStatusView): string {
  if (view.cancelAfterPhaseRequested && view.status === 'running') return ' (ends after this phase)';
  if (view.pauseRequested && view.status === 'running') return ' (pauses after this unit)';
  return '';
}

/** Why the run stands still, and the next move. */
function whatToDo(view: RunStatusView): string[] {
  const reason = view.reason ? [`> ${escapeText(view.reason)}`] : [];
  switch (view.status) {
    case 'parked':
      return [
        ...reason,
        'Nothing is lost. Mend the cause, then *Send an Update* `resume`: the same unit is tried again. ' +
          'Or `cancelAfterPhase` to end the run; starting it again under the same run id continues it.',
      ];
    case 'paused':
      return [...reason, 'Finished units are stored. *Send an Update* `resume` to go on.'];
    case 'waiting':
      return [
        ...reason,
        'Finished units are stored. The next start of `rZeroRun` or `rZeroNightly` with this run id goes on; a schedule does so by itself.',
      ];
    case 'cancelled':
    case 'completed':
    case 'failed':
      return [...reason, 'Start `rZeroRun` with the same run id (and more `iterations`) to continue.'];
    default:
      return reason;
  }
}
