/** How often the Solver agrees with itself, by iteration. */
import type { VoteShareRow } from '../../../db/queries/report.ts';
import { count, decimal, percent } from '../../cli/numbers.ts';
import { Plot, figure, grid, panel } from '../chart.ts';
import type { RunData } from '../data.ts';
import { markup } from '../html.ts';
import type { Fragment, Html } from '../html.ts';
import { legend } from '../legend.ts';
import { idOf, named, spread } from '../runs.ts';
import { behind, table } from '../table.ts';
import { note, section } from './section.ts';

/** |p̂ − ½| ≤ ¼ (arXiv 2508.05004). */
const PAPER_BAND = { lower: 0.25, upper: 0.75 };
const MOST_PANELS = 6;
/** Of the scale of p̂; a bar takes most of the way between two values, where votes are few. */
const WIDEST_BAR = 0.08;

export function votesSection(runs: readonly RunData[]): Html {
  const drawn = runs.filter(({ voteShares }) => voteShares.length > 0);
  if (drawn.length === 0) return section('votes', 'Agreement of the votes', note('No votes were taken yet.'));
  const same = drawn.every(({ band }) => band.lower === PAPER_BAND.lower && band.upper === PAPER_BAND.upper);
  return section(
    'votes',
    'Agreement of the votes',
    legend([
      { colour: 'kept', area: true, text: 'kept' },
      { colour: 'dropped', area: true, text: 'dropped' },
      { colour: 'band', area: true, text: same ? 'the run’s band, which is the paper’s' : 'the run’s band' },
      ...(same ? [] : [{ colour: 'muted', dash: true, text: 'the paper’s band' }]),
    ]),
    drawn.map(
      (data) =>
        markup`${drawn.length > 1 ? markup`<h3>${data.run.runId}</h3>` : ''}${figure(
          iterationsOf(data).map((iteration) => histogram(data, iteration, highestBar(data))),
          caption(data),
          behind(idOf('votes', data), sharesTable(runs, data)),
        )}`,
    ),
  );
}

const iterationsOf = ({ voteShares }: RunData): number[] =>
  spread([...new Set(voteShares.map(({ iteration }) => iteration))], MOST_PANELS);

function caption(data: RunData): Html {
  const { lower, upper } = data.band;
  const all = new Set(data.voteShares.map(({ iteration }) => iteration)).size;
  return markup`p̂ is the share of votes for the majority answer. The gate keeps questions with ${decimal(lower)} ≤ p̂ ≤
  ${decimal(upper)}: neither settled nor hopeless. A distribution that leaves the band to the right means a Challenger
  that cannot find what is difficult; to the left, a Solver that
  guesses.${all > MOST_PANELS ? ` ${MOST_PANELS} of ${all} iterations are drawn; all are in the table.` : ''}`;
}

function histogram(data: RunData, iteration: number, highest: number): Html {
  const rows = data.voteShares.filter((row) => row.iteration === iteration);
  const all = rows.reduce((sum, { questions }) => sum + questions, 0);
  const width = Math.min(WIDEST_BAR, 0.8 / Math.max(...rows.map(({ total }) => total)));
  const stacked = new Map<number, number>();
  const bars = [...rows]
    .sort((a, b) => Number(b.kept) - Number(a.kept))
    .map(({ majority, total, kept, questions }) => {
      const at = majority / total;
      const from = stacked.get(at) ?? 0;
      stacked.set(at, from + questions / all);
      return {
        x1: at - width / 2,
        x2: at + width / 2,
        y1: from,
        y2: from + questions / all,
        fill: kept ? 'var(--kept)' : 'var(--dropped)',
        tip: `${majority}/${total} ${kept ? 'kept' : 'dropped'}: ${count(questions)}`,
      };
    });
  const { lower, upper } = data.band;
  const mean = rows.reduce((sum, row) => sum + (row.questions * row.majority) / row.total, 0) / all;
  return panel({
    title: `Iteration ${iteration}: mean p̂ ${decimal(mean)}`,
    says: bars.map(({ tip }) => tip).join('; '),
    plot: {
      height: 160,
      x: { domain: [-0.05, 1.06] },
      y: { domain: [0, highest * 1.05] },
      marks: [
        Plot.rect([{ x1: lower, x2: upper }], { x1: 'x1', x2: 'x2', fill: 'var(--band)' }),
        grid(3),
        Plot.axisY({
          ticks: 3,
          tickSize: 0,
          label: null,
          tickFormat: (value: number) => `${Math.round(value * 100)} %`,
        }),
        Plot.axisX({ ticks: 5, tickSize: 0, label: null }),
        Plot.rect(bars, { x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2', fill: 'fill', title: 'tip' }),
        ...(lower === PAPER_BAND.lower && upper === PAPER_BAND.upper
          ? []
          : [Plot.ruleX([PAPER_BAND.lower, PAPER_BAND.upper], { stroke: 'var(--muted)', strokeDasharray: '4 3' })]),
      ],
    },
  });
}

/** Of all panels, so that they can be compared. */
function highestBar(data: RunData): number {
  const shares = iterationsOf(data).flatMap((iteration) => {
    const rows = data.voteShares.filter((row) => row.iteration === iteration);
    const all = rows.reduce((sum, { questions }) => sum + questions, 0);
    return rows.map(
      ({ majority, total }) =>
        rows.reduce((sum, row) => sum + (row.majority / row.total === majority / total ? row.questions : 0), 0) / all,
    );
  });
  return Math.max(...shares);
}

function sharesTable(runs: readonly RunData[], data: RunData): Html {
  const iterations = [...new Set(data.voteShares.map(({ iteration }) => iteration))];
  const values = new Map<string, VoteShareRow[]>();
  for (const row of [...data.voteShares].sort(
    (a, b) => a.majority / a.total - b.majority / b.total || a.total - b.total,
  )) {
    const name = `${row.majority}/${row.total}`;
    values.set(name, [...(values.get(name) ?? []), row]);
  }
  const cell = (rows: readonly VoteShareRow[], iteration: number): Fragment => {
    const here = rows.filter((row) => row.iteration === iteration);
    const all = here.reduce((sum, { questions }) => sum + questions, 0);
    const kept = here.reduce((sum, row) => sum + (row.kept ? row.questions : 0), 0);
    return all === 0 ? '' : `${count(kept)} of ${count(all)}`;
  };
  return table({
    id: idOf('vote-shares', data),
    caption: named(runs, data, 'Questions kept, of those with this p̂, by iteration'),
    columns: [{ head: 'votes' }, { head: 'p̂' }, ...iterations.map((n) => ({ head: n }))],
    rows: [...values].map(([name, rows]) => [
      name,
      percent(rows[0]!.majority / rows[0]!.total),
      ...iterations.map((iteration) => cell(rows, iteration)),
    ]),
  });
}
