/** Both roles' training, step by step. */
import type { StepRow } from '../../../db/queries/report-steps.ts';
import { count, decimal, isNumber } from '../../cli/numbers.ts';
import { Plot, figure, grid, panel, stepLine } from '../chart.ts';
import type { Point, Series } from '../chart.ts';
import type { RunData } from '../data.ts';
import { markup } from '../html.ts';
import type { Fragment, Html } from '../html.ts';
import { legend } from '../legend.ts';
import { colourOf, idOf, keysOf, named } from '../runs.ts';
import { behind, table } from '../table.ts';
import { note, section } from './section.ts';

type Role = StepRow['role'];

interface Curve {
  title: string;
  /** Table column. */
  head: string;
  digits: number;
  of: (row: StepRow) => number | null;
  /** Zero is where the scale begins. @default true */
  fromZero?: boolean;
}

const REWARD: Curve = {
  title: 'Mean reward',
  head: 'reward',
  digits: 3,
  of: (row) => row.mean_reward,
  fromZero: false,
};
const FORMAT: Curve = {
  title: 'Form as asked for',
  head: 'format',
  digits: 3,
  of: (row) => row.mean_format,
  fromZero: false,
};
const SHARED: readonly Curve[] = [
  { title: 'KL to the phase’s start', head: 'KL', digits: 4, of: (row) => row.kl },
  { title: 'Entropy, nats a token', head: 'entropy', digits: 3, of: (row) => row.entropy },
  { title: 'Tokens a completion', head: 'tokens', digits: 1, of: (row) => row.tokens / row.rollouts },
  { title: 'Gradient norm', head: 'gradient', digits: 3, of: (row) => row.gradient_norm },
];
const CURVES: Readonly<Record<Role, readonly Curve[]>> = {
  challenger: [
    REWARD,
    { title: 'Uncertainty of the Solver', head: 'uncertainty', digits: 3, of: (row) => row.mean_uncertainty },
    { title: 'Repetition penalty', head: 'repetition', digits: 3, of: (row) => row.mean_repetition },
    FORMAT,
    ...SHARED,
  ],
  solver: [
    REWARD,
    { title: 'Answers equal to the label', head: 'accuracy', digits: 3, of: (row) => row.mean_accuracy },
    FORMAT,
    ...SHARED,
  ],
};
const TITLES: Readonly<Record<Role, string>> = { challenger: 'Challenger', solver: 'Solver' };
const MEANINGS: Readonly<Record<Role, Html>> = {
  challenger: markup`The Challenger is rewarded for questions on which the Solver disagrees with itself, less what repeats
  other questions of the batch.`,
  solver: markup`The Solver is rewarded when its answer equals the pseudo-label, true or not.`,
};

export function trainingSection(runs: readonly RunData[]): Html {
  if (runs.every(({ steps }) => steps.length === 0)) {
    return section('training', 'Training, step by step', note('No step of training is finished yet.'));
  }
  return section(
    'training',
    'Training, step by step',
    runs.length > 1 ? legend(keysOf(runs, [{ text: '' }])) : '',
    (['challenger', 'solver'] as const).map((role) => roleFigure(runs, role)),
  );
}

function roleFigure(runs: readonly RunData[], role: Role): Html | '' {
  const rows = new Map(runs.map((data) => [data, data.steps.filter((row) => row.role === role)]));
  if ([...rows.values()].every((all) => all.length === 0)) return '';
  // A part that the reward of this preset does not have is zero throughout.
  const curves = CURVES[role].filter(({ of }) =>
    [...rows.values()].some((all) => all.some((row) => isNumber(of(row)) && of(row) !== 0)),
  );
  return markup`<h3>${TITLES[role]}</h3>
    ${figure(
      curves.map((curve) => curvePanel(rows, curve)),
      markup`${MEANINGS[role]} Steps of all iterations in a row; thin lines stand where an iteration begins.`,
      behind(`training-${role}`, ...runs.map((data) => stepTable(runs, data, role, rows.get(data) ?? [], curves))),
    )}`;
}

function curvePanel(
  rows: ReadonlyMap<RunData, readonly StepRow[]>,
  { title, digits, of, fromZero = true }: Curve,
): Html {
  const series = [...rows].map(([data, all]): Series => ({
    colour: colourOf(data),
    points: all.map((row, index): Point => {
      const value = of(row);
      // Not a number breaks the line there.
      return {
        x: index + 1,
        value: value ?? Number.NaN,
        tip: `${row.iteration}, step ${row.step + 1}: ${decimal(value, digits)}`,
      };
    }),
  }));
  const longest = [...rows.values()].reduce((a, b) => (b.length > a.length ? b : a));
  const starts = longest.flatMap((row, index) =>
    index > 0 && row.iteration !== longest[index - 1]!.iteration ? [index + 0.5] : [],
  );
  const values = series.flatMap(({ points }) => points.map(({ value }) => value)).filter(Number.isFinite);
  return panel({
    title,
    says: series
      .map(({ points }) => `from ${decimal(points[0]?.value, digits)} to ${decimal(points.at(-1)?.value, digits)}`)
      .join('; '),
    plot: {
      height: 150,
      marginLeft: 46,
      x: { domain: [0.5, Math.max(longest.length, 2) + 0.5] },
      y: { nice: true, domain: domainOf(values, fromZero) },
      marks: [
        grid(4),
        Plot.axisY({ ticks: 4, tickSize: 0, label: null }),
        Plot.axisX({ ticks: 6, tickSize: 0, label: null, tickFormat: 'd' }),
        Plot.ruleX(starts, { stroke: 'var(--muted)', strokeWidth: 0.5 }),
        ...stepLine(series),
      ],
    },
  });
}

/** A flat line stands in the middle, not on a scale of rounding errors. */
function domainOf(values: readonly number[], fromZero: boolean): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = Math.min(...values, ...(fromZero ? [0] : []));
  const high = Math.max(...values);
  return high - low > 1e-9 ? [low, high] : [low - 0.5, high + 0.5];
}

function stepTable(
  runs: readonly RunData[],
  data: RunData,
  role: Role,
  rows: readonly StepRow[],
  curves: readonly Curve[],
): Html {
  return table({
    id: idOf(`steps-${role}`, data),
    caption: named(runs, data, `${TITLES[role]}: means over the rollouts of a step`),
    columns: [
      'step',
      'iteration',
      'rollouts',
      ...curves.map(({ head }) => head),
      'learning rate',
      'clipped',
      'skipped',
    ].map((head) => ({ head })),
    rows: rows.map((row): Fragment[] => [
      String(row.step + 1),
      String(row.iteration),
      count(row.rollouts),
      ...curves.map(({ of, digits }) => decimal(of(row), digits)),
      row.learning_rate.toExponential(2),
      decimal(row.clip_fraction, 4),
      count(row.skipped),
    ]),
  });
}
