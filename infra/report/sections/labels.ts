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
import { colourOf, idOf, iterationName, keysOf, named, slug } from '../runs.ts';
import { behind, table } from '../table.ts';
import { note, section } from './section.ts';

/** arXiv 2508.05004, table 5: Qwen3-4B, 200 questions a set, GPT-4o as the oracle. */
const PAPER = [0.79, 0.69, 0.63];

export const estimateOf = (row: LabelRow): Estimate | undefined =>
  row.label_accuracy === null ? undefined : { value: row.label_accuracy, low: row.lower, high: row.upper };

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
    ...keysOf(runs, [{ text: 'of kept questions' }, { text: 'of all that were voted on', dash: true }]),
    { colour: 'muted', dash: true, text: 'the paper’s run (Qwen3-4B, judged by GPT-4o)' },
  ])}
  ${figure(
    [byIteration(runs, rows), byShare(runs, shares)],
    markup`Left: share of pseudo-labels that the oracle <em>${oracle}</em> finds true, with 95 % intervals.
      Right: the same by p̂, the share of votes for the label, all iterations together, kept or not; were agreement the
      chance of being right, points would lie on the diagonal.${truthNote(runs)}`,
    behind(
      `labels-${slug(oracle)}`,
      ...runs.map((data) => iterationTable(runs, data, oracle, rows.get(data) ?? [])),
      ...runs.map((data) => shareTable(runs, data, oracle, shares.get(data) ?? [])),
    ),
  )}`;
}

const truthNote = (runs: readonly RunData[]): string =>
  runs.some(({ run }) => run.control === 'oracle-labels') ? '' : ' Training never sees the truth.';

function byIteration(runs: readonly RunData[], rows: ReadonlyMap<RunData, readonly LabelRow[]>): Html {
  const iterations = [...rows.values()].flatMap((all) => all.map(({ iteration }) => iteration));
  const series = runs.flatMap((data): Series[] => {
    const of = (kept: boolean | null): Point[] =>
      (rows.get(data) ?? [])
        .filter((row) => row.kept === kept)
        .flatMap((row) => pointOf(row.iteration, iterationName(row.iteration), estimateOf(row), row.audited));
    return [
      { colour: colourOf(data), points: of(true) },
      { colour: colourOf(data), dash: true, points: of(null) },
    ];
  });
  const last = Math.max(...iterations, 1);
  const paper = PAPER.map((value, index) => ({ x: index + 1, value })).filter(({ x }) => x <= last);
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
  const series = runs.map((data): Series => ({
    colour: colourOf(data),
    points: (shares.get(data) ?? []).flatMap((row) =>
      pointOf((row.part + 0.5) / 10, partName(row), share(row.agreeing, row.audited), row.audited),
    ),
  }));
  return panel({
    title: 'True labels by p̂',
    says: series.flatMap(({ points }) => points.map(({ tip }) => tip)).join('; '),
    plot: {
      x: { domain: [0, 1] },
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

const partName = ({ part }: LabelShareRow): string => `${part / 10}–${(part + 1) / 10}`;

const pointOf = (x: number, name: string, estimate: Estimate | undefined, audited: number): Point[] =>
  estimate
    ? [{ x, ...estimate, tip: `${name}: ${shareText(estimate)} (${intervalText(estimate)}) of ${count(audited)}` }]
    : [];

const COLUMNS = ['compared', 'true', 'share', '95 %'];

const cellsOf = (row: Pick<LabelRow, 'audited' | 'agreeing'> | undefined, estimate: Estimate | undefined): string[] =>
  row ? [count(row.audited), count(row.agreeing), shareText(estimate), intervalText(estimate)] : COLUMNS.map(() => '–');

function iterationTable(runs: readonly RunData[], data: RunData, oracle: string, rows: readonly LabelRow[]): Html {
  const iterations = [...new Set(rows.map(({ iteration }) => iteration))];
  return table({
    id: idOf(`labels-${slug(oracle)}`, data),
    caption: named(runs, data, 'Labels by iteration: those of kept questions, and all that were voted on'),
    columns: ['iteration', ...COLUMNS, ...COLUMNS.map((name) => `all: ${name}`)].map((head) => ({ head })),
    rows: iterations.map((iteration) => [
      String(iteration),
      ...[true, null].flatMap((kept) => {
        const row = rows.find((candidate) => candidate.iteration === iteration && candidate.kept === kept);
        return cellsOf(row, row && estimateOf(row));
      }),
    ]),
  });
}

function shareTable(runs: readonly RunData[], data: RunData, oracle: string, rows: readonly LabelShareRow[]): Html {
  return table({
    id: idOf(`labels-by-share-${slug(oracle)}`, data),
    caption: named(runs, data, 'Labels by p̂, all iterations, kept or not'),
    columns: ['p̂', ...COLUMNS].map((head) => ({ head })),
    rows: rows.map((row) => [partName(row), ...cellsOf(row, share(row.agreeing, row.audited))]),
  });
}
