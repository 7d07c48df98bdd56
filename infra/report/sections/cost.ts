/** What it took: time and tokens by phase, and what had to be done again. */
import type { Phase } from '../../../activities/contract.ts';
import { PHASE_ORDER } from '../../../activities/phases.ts';
import type { PhaseTimeRow, TroubleRow } from '../../../db/queries/report.ts';
import { count, duration } from '../../cli/numbers.ts';
import { PHASE_WORDS } from '../../cli/phase-text.ts';
import { PANEL_WIDTH, Plot, figure, panel } from '../chart.ts';
import type { RunData } from '../data.ts';
import { markup } from '../html.ts';
import type { Html } from '../html.ts';
import { legend } from '../legend.ts';
import { idOf, iterationName, named, spread } from '../runs.ts';
import { behind, table } from '../table.ts';
import { note, section } from './section.ts';

const MOST_ROWS = 12;
const ROW_HEIGHT = 26;

const colourOf = (phase: string): string => `phase-${PHASE_ORDER.indexOf(phase as Phase) + 1}`;

export function costSection(runs: readonly RunData[]): Html {
  const present = PHASE_ORDER.filter((phase) => runs.some(({ times }) => times.some((row) => row.phase === phase)));
  return section(
    'cost',
    'Time and tokens',
    legend(present.map((phase) => ({ colour: colourOf(phase), area: true, text: PHASE_WORDS[phase].title }))),
    figure(
      runs.filter(({ times }) => times.length > 0).map((data) => bars(runs, data, longest(runs))),
      markup`Working time of the finished shards and steps; waiting and work that was lost are not in it.`,
      behind('cost', ...runs.flatMap((data) => phaseTables(runs, data, present))),
    ),
  );
}

/** Seconds of the longest iteration, so that two runs are drawn to one scale. */
function longest(runs: readonly RunData[]): number {
  const sums = new Map<string, number>();
  for (const { index, times } of runs) {
    for (const { iteration, seconds } of times) {
      const key = `${index} ${iteration}`;
      sums.set(key, (sums.get(key) ?? 0) + seconds);
    }
  }
  return Math.max(1, ...sums.values());
}

function bars(runs: readonly RunData[], data: RunData, most: number): Html {
  const iterations = spread([...new Set(data.times.map(({ iteration }) => iteration))], MOST_ROWS);
  const totals = iterations.map((iteration) => {
    const rows = data.times.filter((row) => row.iteration === iteration);
    return rows.reduce((sum, { seconds }) => sum + seconds, 0);
  });
  const scale = scaleOf(most);
  const parts = iterations.flatMap((iteration) => {
    let from = 0;
    return data.times
      .filter((row) => row.iteration === iteration)
      .map(({ phase, seconds }) => {
        const tip = `${PHASE_WORDS[phase as Phase].title}: ${duration(seconds)}`;
        const part = {
          iteration,
          from: from / scale.seconds,
          to: (from + seconds) / scale.seconds,
          fill: `var(--${colourOf(phase)})`,
          tip,
        };
        from += seconds;
        return part;
      });
  });
  return panel({
    title: named(runs, data, `Time by iteration, ${scale.name}`),
    says: iterations.map((iteration, index) => `${iterationName(iteration)}: ${duration(totals[index])}`).join('; '),
    plot: {
      width: runs.length > 1 ? PANEL_WIDTH : PANEL_WIDTH * 2,
      height: 34 + iterations.length * ROW_HEIGHT,
      x: { domain: [0, most / scale.seconds] },
      y: { type: 'band', domain: iterations, padding: 0.25 },
      marks: [
        Plot.axisY({ tickSize: 0, label: null, tickFormat: iterationName }),
        Plot.axisX({ ticks: 5, tickSize: 0, label: null }),
        Plot.barX(parts, { y: 'iteration', x1: 'from', x2: 'to', fill: 'fill', title: 'tip' }),
      ],
    },
  });
}

function scaleOf(seconds: number): { name: string; seconds: number } {
  if (seconds < 180) return { name: 'seconds', seconds: 1 };
  return seconds < 3 * 3600 ? { name: 'minutes', seconds: 60 } : { name: 'hours', seconds: 3600 };
}

function phaseTables(runs: readonly RunData[], data: RunData, present: readonly Phase[]): Html[] {
  const iterations = [...new Set(data.times.map(({ iteration }) => iteration))];
  const columns = [
    { head: 'iteration' },
    ...present.map((phase) => ({ head: PHASE_WORDS[phase].short })),
    { head: 'all' },
  ];
  const rows = (of: (row: PhaseTimeRow) => number | null, format: (value: number) => string) =>
    iterations.map((iteration) => {
      const here = data.times.filter((row) => row.iteration === iteration);
      const values = present.map((phase) => {
        const row = here.find((candidate) => candidate.phase === phase);
        return row ? of(row) : null;
      });
      const known = values.filter((value) => value !== null);
      return [
        iterationName(iteration),
        ...values.map((value) => (value === null ? '' : format(value))),
        known.length > 0 ? format(known.reduce((sum, value) => sum + value, 0)) : '',
      ];
    });
  return [
    table({
      id: idOf('phase-seconds', data),
      caption: named(runs, data, 'Working time'),
      columns,
      rows: rows((row) => row.seconds, duration),
    }),
    table({
      id: idOf('phase-tokens', data),
      caption: named(runs, data, 'Tokens sampled by the models'),
      columns,
      rows: rows((row) => row.tokens, count),
    }),
  ];
}

/** Attempts that came to nothing, and why the run stands still when it does. */
export function troubleSection(runs: readonly RunData[]): Html {
  const all = runs.map((data): Html => {
    const { run, trouble } = data;
    const stopped = run.status === 'parked' || run.status === 'failed';
    return markup`${runs.length > 1 ? markup`<h3>${run.runId}</h3>` : ''}
    ${stopped ? markup`<p class="alert"><strong>The run is ${run.status}.</strong> ${run.statusReason ?? ''}</p>` : ''}
    ${trouble.length === 0 ? note('Every attempt finished its unit; nothing was lost or done twice.') : troubleTable(runs, data, trouble)}`;
  });
  return section('trouble', 'What went wrong', all);
}

const OUTCOMES: Readonly<Record<string, string>> = {
  failed: 'failed',
  cancelled: 'cancelled',
  superseded: 'another worker was first',
};

function troubleTable(runs: readonly RunData[], data: RunData, rows: readonly TroubleRow[]): Html {
  return table({
    id: idOf('attempts', data),
    caption: named(
      runs,
      data,
      'Attempts that did not finish their shard or step; each was tried again or waits for it',
    ),
    columns: [
      { head: 'iteration' },
      { head: 'phase', text: true },
      { head: 'outcome', text: true },
      { head: 'attempts' },
      { head: 'units' },
      { head: 'time' },
      { head: 'error', text: true },
    ],
    rows: rows.map((row) => [
      iterationName(row.iteration),
      PHASE_WORDS[row.phase as Phase].title,
      row.outcome === null ? 'killed, or at work now' : (OUTCOMES[row.outcome] ?? row.outcome),
      count(row.attempts),
      count(row.units),
      duration(row.seconds),
      [row.error_code, row.message].filter(Boolean).join(': '),
    ]),
  });
}
