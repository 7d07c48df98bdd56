/** What ties the run to reality: how many pseudo-labels are true, by iteration and by p̂. */
import type { LabelRow, LabelShareRow } from '../../../db/queries/report-accuracy.ts';
import { count } from '../../cli/numbers.ts';
import { Plot, SHARE, figure, iterationAxis, iterationDomain, lines, panel, percentAxis } from '../chart.ts';
import type { Point, Series } from '../chart.ts';
import type { RunData } from '../data.ts';
import { intervalText, share, shareText } from '../estimate.ts';
import type { Estimate } from '../estimate.ts';
import { markup } from '../html.ts';
import type { Html } from '../html.ts';
import { legend } from '../legend.ts';
import { colourOf, idOf, iterationName, keysOf, named } from '../runs.ts';
import { behind, table } from '../table.ts';
import { note, section } from './section.ts';

/** arXiv 2508.05004, table 5: Qwen3-4B, 200 questions a set, GPT-4o as the oracle. */
const PAPER = [0.79, 0.69, 0.63];

export const trueShare = (rows: readonly Pick<LabelRow, 'audited' | 'agreeing'>[]): Estimate | undefined =>
  share(sum(rows, 'agreeing'), sum(rows, 'audited'));

export const sum = <K extends string>(rows: readonly Record<K, number>[], key: K): number =>
  rows.reduce((total, row) => total + row[key], 0);

export function labelSection(runs: readonly RunData[]): Html {
  const oracles = [...new Set(runs.flatMap(({ labels }) => labels.map(({ oracle }) => oracle)))].sort();
  if (oracles.length === 0) {
    return section('labels', 'Label accuracy', note('No oracle knows the truth of any label of this run yet.'));
  }
  return section(
    'labels',
    'Label accuracy',
    oracles.map((oracle) => oracleFigure(runs, oracle, oracles.length > 1)),
  );
}

function oracleFigure(runs: readonly RunData[], oracle: string, isNamed: boolean): Html {
  const rows = new Map(runs.map((data) => [data, data.labels.filter((row) => row.oracle === oracle)]));
  const shares = new Map(runs.map((data) => [data, data.labelShares.filter((row) => row.oracle === oracle)]));
  return markup`${isNamed ? markup`<h3>Oracle ${oracle}</h3>` : ''}
  ${legend([
    ...keysOf(runs, [{ text: 'trained on' }, { text: 'all that were voted on', dash: true }]),
    { colour: 'muted', dash: true, text: 'the paper’s run (Qwen3-4B, judged by GPT-4o)' },
  ])}
  ${figure(
    [byIteration(runs, rows), byShare(runs, shares)],
    markup`Left: share of pseudo-labels that the oracle <em>${oracle}</em> finds true, with Wilson’s 95 % intervals.
      Right: the same by p̂, the share of votes for the label, all iterations together, kept or not; were agreement the
      chance of being right, points would lie on the diagonal. Labels are compared for this report alone: training never
      sees the truth.`,
    behind(
      `labels-${oracle}`,
      ...runs.map((data) => iterationTable(runs, data, oracle, rows.get(data) ?? [])),
      ...runs.map((data) => shareTable(runs, data, oracle, shares.get(data) ?? [])),
    ),
  )}`;
}

function byIteration(runs: readonly RunData[], rows: ReadonlyMap<RunData, readonly LabelRow[]>): Html {
  const iterations = [...rows.values()].flatMap((all) => all.map(({ iteration }) => iteration));
  const series = runs.flatMap((data): Series[] => {
    const all = rows.get(data) ?? [];
    const of = (kept: boolean): Point[] =>
      [...new Set(all.map(({ iteration }) => iteration))].flatMap((iteration) =>
        pointOf(
          iteration,
          iterationName(iteration),
          all.filter((row) => row.iteration === iteration && (row.kept || !kept)),
        ),
      );
    return [
      { colour: colourOf(data), points: of(true) },
      { colour: colourOf(data), dash: true, points: of(false) },
    ];
  });
  const paper = PAPER.map((value, index) => ({ x: index + 1, value })).filter(
    ({ x }) => x <= Math.max(...iterations, 1),
  );
  return panel({
    title: 'True labels by iteration',
    says: series.flatMap(({ points }) => points.map(({ tip }) => tip)).join('; '),
    plot: {
      x: iterationDomain(iterations),
      y: SHARE,
      marks: [
        ...percentAxis(),
        iterationAxis(iterations, false),
        Plot.lineY(paper, { x: 'x', y: 'value', stroke: 'var(--muted)', strokeDasharray: '2 3' }),
        Plot.dot(paper, { x: 'x', y: 'value', r: 2, fill: 'var(--muted)' }),
        ...lines(series),
      ],
    },
  });
}

function byShare(runs: readonly RunData[], shares: ReadonlyMap<RunData, readonly LabelShareRow[]>): Html {
  const series = runs.map((data): Series => {
    const all = shares.get(data) ?? [];
    return {
      colour: colourOf(data),
      points: bins(all).flatMap(({ name, middle, rows }) => pointOf(middle, `p̂ ${name}`, rows)),
    };
  });
  return panel({
    title: 'True labels by p̂',
    says: series.flatMap(({ points }) => points.map(({ tip }) => tip)).join('; '),
    plot: {
      x: { domain: [0, 1.03] },
      y: SHARE,
      marks: [
        ...percentAxis(),
        Plot.axisX({ ticks: 5, tickSize: 0, label: null }),
        Plot.line(
          [
            [0, 0],
            [1, 1],
          ],
          { stroke: 'var(--muted)', strokeDasharray: '1 3' },
        ),
        ...lines(series, 0.012),
      ],
    },
  });
}

const pointOf = (x: number, name: string, rows: readonly LabelRow[]): Point[] => {
  const estimate = trueShare(rows);
  return estimate
    ? [
        {
          x,
          ...estimate,
          tip: `${name}: ${shareText(estimate)} (${intervalText(estimate)}) of ${count(sum(rows, 'audited'))}`,
        },
      ]
    : [];
};

interface Bin {
  name: string;
  middle: number;
  rows: LabelShareRow[];
}

/** Votes of one number of answers have their own values; tenths serve where there are many. */
const MOST_VALUES = 12;

function bins(rows: readonly LabelShareRow[]): Bin[] {
  const totals = new Set(rows.map(({ total }) => total));
  const exact = totals.size === 1 && Math.max(...totals) <= MOST_VALUES;
  const found = new Map<number, Bin>();
  for (const row of rows) {
    const tenth = Math.min(9, Math.floor((row.majority * 10) / row.total));
    const middle = exact ? row.majority / row.total : (tenth + 0.5) / 10;
    const name = exact ? `${row.majority}/${row.total}` : `${tenth / 10}–${(tenth + 1) / 10}`;
    const bin = found.get(middle) ?? { name, middle, rows: [] };
    bin.rows.push(row);
    found.set(middle, bin);
  }
  return [...found.values()].sort((a, b) => a.middle - b.middle);
}

const cellsOf = (rows: readonly LabelRow[]): string[] => {
  const estimate = trueShare(rows);
  return [count(sum(rows, 'audited')), count(sum(rows, 'agreeing')), shareText(estimate), intervalText(estimate)];
};

const COLUMNS = ['compared', 'true', 'share', '95 %'];

function iterationTable(runs: readonly RunData[], data: RunData, oracle: string, rows: readonly LabelRow[]): Html {
  const iterations = [...new Set(rows.map(({ iteration }) => iteration))];
  return table({
    id: idOf(`labels-${oracle}`, data),
    caption: named(runs, data, 'Labels by iteration: those trained on, and the others that were voted on'),
    columns: ['iteration', ...COLUMNS, ...COLUMNS.map((name) => `others ${name}`)].map((head) => ({ head })),
    rows: iterations.map((iteration) => {
      const all = rows.filter((row) => row.iteration === iteration);
      return [String(iteration), ...[true, false].flatMap((kept) => cellsOf(all.filter((row) => row.kept === kept)))];
    }),
  });
}

function shareTable(runs: readonly RunData[], data: RunData, oracle: string, rows: readonly LabelShareRow[]): Html {
  return table({
    id: idOf(`labels-by-share-${oracle}`, data),
    caption: named(runs, data, 'Labels by p̂, all iterations, kept or not'),
    columns: ['p̂', ...COLUMNS].map((head) => ({ head })),
    rows: bins(rows).map((bin) => [bin.name, ...cellsOf(bin.rows)]),
  });
}
