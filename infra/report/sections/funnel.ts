/** Where the questions of each iteration went. */
import type { FunnelRow, ReasonRow } from '../../../db/queries/report.ts';
import { count, percent } from '../../cli/numbers.ts';
import { PANEL_WIDTH, Plot, figure, panel } from '../chart.ts';
import type { RunData } from '../data.ts';
import { markup } from '../html.ts';
import type { Html } from '../html.ts';
import { legend } from '../legend.ts';
import { idOf, named, spread } from '../runs.ts';
import { behind, table } from '../table.ts';
import { note, section } from './section.ts';

const MOST_ROWS = 12;

/** In words; what is not here is shown as it is stored. */
const REASONS: Readonly<Record<string, string>> = {
  invalid_question: 'not a question of the domain',
  no_label: 'no answer could be read',
  held_out: 'a held-out question, or nearly one',
  text_filter: 'dropped by the text filter',
  below_band: 'p̂ below the band',
  above_band: 'p̂ above the band',
  tie: 'two answers as frequent',
  duplicate: 'copy within the iteration',
  near_duplicate: 'near copy within the iteration',
  duplicate_earlier: 'copy of earlier training data',
  near_duplicate_earlier: 'near copy of earlier training data',
};

export const reasonText = (reason: string): string => REASONS[reason] ?? reason.replaceAll('_', ' ');

export function funnelSection(runs: readonly RunData[]): Html {
  if (runs.every(({ funnel }) => funnel.length === 0)) {
    return section('funnel', 'Where the questions went', note('No questions were generated yet.'));
  }
  return section(
    'funnel',
    'Where the questions went',
    legend(STAGES.map(({ text, colour }) => ({ text, colour, area: true }))),
    figure(
      runs.filter(({ funnel }) => funnel.length > 0).map((data) => bars(runs, data)),
      markup`Every question of the data generation, by iteration: kept for training, dropped by the gate, answered without
      a readable label, or not parsed. Nothing is dropped without a reason.`,
      behind('funnel', ...runs.flatMap((data) => [stageTable(runs, data), reasonTable(runs, data)])),
    ),
  );
}

interface Stage {
  text: string;
  colour: string;
  of: (row: RunData['funnel'][number]) => number;
}

const STAGES: readonly Stage[] = [
  { text: 'kept', colour: 'kept', of: (row) => row.kept },
  { text: 'dropped by the gate', colour: 'dropped', of: (row) => row.voted - row.kept },
  { text: 'without a label', colour: 'unlabelled', of: (row) => row.parsed - row.voted },
  { text: 'not parsed', colour: 'unparsed', of: (row) => row.generated - row.parsed },
];

const ROW_HEIGHT = 26;

function bars(runs: readonly RunData[], data: RunData): Html {
  const rows = spread(data.funnel, MOST_ROWS);
  const parts = rows.flatMap((row) => {
    let from = 0;
    return STAGES.map(({ text, colour, of }) => {
      const part = {
        iteration: row.iteration,
        from,
        to: from + of(row),
        colour: `var(--${colour})`,
        tip: `${text}: ${count(of(row))}`,
      };
      from = part.to;
      return part;
    });
  });
  return panel({
    title: named(runs, data, 'Questions by iteration'),
    says: rows
      .map((row) => `${row.iteration}: ${STAGES.map(({ text, of }) => `${count(of(row))} ${text}`).join(', ')}`)
      .join('; '),
    plot: {
      width: runs.length > 1 ? PANEL_WIDTH : PANEL_WIDTH * 2,
      height: 34 + rows.length * ROW_HEIGHT,
      y: { type: 'band', domain: rows.map(({ iteration }) => iteration), padding: 0.25 },
      x: { domain: [0, Math.max(...runs.flatMap(({ funnel }) => funnel.map(({ generated }) => generated)))] },
      marks: [
        Plot.axisY({ tickSize: 0, label: null }),
        Plot.axisX({ ticks: 5, tickSize: 0, label: null }),
        Plot.barX(parts, { y: 'iteration', x1: 'from', x2: 'to', fill: 'colour', title: 'tip' }),
        Plot.text(
          rows.filter(({ kept, generated }) => kept > generated / 6),
          {
            y: 'iteration',
            x: ({ kept }: FunnelRow) => kept / 2,
            text: ({ kept }: FunnelRow) => count(kept),
            className: 'on-bar',
          },
        ),
      ],
    },
  });
}

function stageTable(runs: readonly RunData[], data: RunData): Html {
  return table({
    id: idOf('funnel-stages', data),
    caption: named(runs, data, 'Questions that reached each stage'),
    columns: ['iteration', 'generated', 'parsed', 'labelled', 'kept', 'kept of generated'].map((head) => ({ head })),
    rows: data.funnel.map((row) => [
      String(row.iteration),
      count(row.generated),
      count(row.parsed),
      count(row.voted),
      count(row.kept),
      percent(row.kept / row.generated),
    ]),
  });
}

function reasonTable(runs: readonly RunData[], data: RunData): Html {
  const kinds = new Map<string, ReasonRow[]>();
  for (const row of data.reasons) {
    const key = `${row.stage} ${row.reason}`;
    kinds.set(key, [...(kinds.get(key) ?? []), row]);
  }
  const iterations = spread(data.funnel, MOST_ROWS).map(({ iteration }) => iteration);
  const total = (rows: readonly ReasonRow[]): number => rows.reduce((sum, { questions }) => sum + questions, 0);
  return table({
    id: idOf('funnel-reasons', data),
    caption: named(runs, data, 'Why the others were not kept, by iteration'),
    columns: [
      { head: 'reason', text: true },
      { head: 'stage', text: true },
      ...iterations.map((n) => ({ head: n })),
      { head: 'all' },
    ],
    rows: [...kinds.values()]
      .sort((a, b) => total(b) - total(a))
      .map((rows) => [
        reasonText(rows[0]!.reason),
        rows[0]!.stage,
        ...iterations.map((n) => count(rows.find(({ iteration }) => iteration === n)?.questions ?? 0)),
        count(total(rows)),
      ]),
  });
}
