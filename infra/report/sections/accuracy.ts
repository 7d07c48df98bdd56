/** The Solver on held-out questions: accuracy, and whether it works its answers out. */
import type { EvaluationRow } from '../../../db/queries/report-accuracy.ts';
import { count } from '../../cli/numbers.ts';
import { Plot, figure, iterationAxis, iterationDomain, lines, panel, percentAxis, SHARE } from '../chart.ts';
import type { Series } from '../chart.ts';
import type { RunData } from '../data.ts';
import { clusteredShare, difference, gainText, intervalText, share, shareText } from '../estimate.ts';
import type { Estimate } from '../estimate.ts';
import { markup } from '../html.ts';
import type { Html } from '../html.ts';
import { keysOf, colourOf, idOf, iterationName, named, slug } from '../runs.ts';
import { legend } from '../legend.ts';
import { behind, table } from '../table.ts';
import { note, section } from './section.ts';

export interface Measure {
  title: string;
  mode: EvaluationRow['mode'];
  of: (row: EvaluationRow) => Estimate | undefined;
}

const samples = ({ items, samples_per_item: each }: EvaluationRow): number => items * each;

/** Greedy answers are one a question, so that Wilson's interval fits; samples of one question belong together. */
const accuracy = (row: EvaluationRow): Estimate | undefined =>
  row.samples_per_item === 1
    ? share(row.correct, row.items)
    : clusteredShare(row.correct, samples(row), row.accuracy_error, row.items);

export const GREEDY: Measure = { title: 'Greedy accuracy', mode: 'greedy', of: accuracy };
export const SAMPLED: Measure = { title: 'Sampled accuracy', mode: 'sampled', of: accuracy };
export const MAJORITY: Measure = {
  title: 'Majority of samples',
  mode: 'sampled',
  of: (row) => share(row.majority_correct, row.items),
};
export const WORKED: Measure = {
  title: 'Share of worked answers',
  mode: 'sampled',
  of: (row) => clusteredShare(row.worked, samples(row), row.worked_error, row.items),
};
export const WORKED_RIGHT: Measure = {
  title: 'Worked answers that are right',
  mode: 'sampled',
  of: (row) =>
    clusteredShare(row.worked_correct, row.worked, row.worked_accuracy_error, Math.min(row.items, row.worked)),
};
const OTHERS_RIGHT: Measure = {
  title: 'Other answers that are right',
  mode: 'sampled',
  of: (row) => {
    const others = samples(row) - row.worked;
    return clusteredShare(
      row.correct - row.worked_correct,
      others,
      row.other_accuracy_error,
      Math.min(row.items, others),
    );
  },
};

export function accuracySection(runs: readonly RunData[]): Html {
  const sets = [...new Set(runs.flatMap(({ evaluations }) => evaluations.map((row) => row.set_name)))];
  if (sets.length === 0) {
    return section(
      'accuracy',
      'Held-out accuracy',
      note('Nothing was evaluated: the model has no held-out questions.'),
    );
  }
  return section(
    'accuracy',
    'Held-out accuracy',
    sets.map((set) => setFigures(runs, set, sets.length > 1)),
  );
}

function setFigures(runs: readonly RunData[], set: string, isNamed: boolean): Html {
  const rowsOf = (data: RunData): EvaluationRow[] => data.evaluations.filter((row) => row.set_name === set);
  const all = runs.flatMap(rowsOf);
  const first = all[0]!;
  const sampled = all.find(({ mode }) => mode === 'sampled');
  const draw = ({ title, mode, of }: Measure): Html => {
    const series = runs.map((data): Series => seriesOf(data, rowsOf(data), mode, of));
    const xs = all.map(({ iteration }) => iteration);
    return panel({
      title,
      says: `By iteration, ${series.map(({ points }) => points.map(({ tip }) => tip).join('; ')).join('; ')}.`,
      plot: {
        x: iterationDomain(xs),
        y: SHARE,
        marks: [
          ...percentAxis(),
          iterationAxis(xs, true),
          ...series.flatMap(({ points, colour }) =>
            points[0]?.x === 0
              ? [
                  Plot.ruleY([points[0].value], {
                    stroke: `var(--${colour})`,
                    strokeDasharray: '1 3',
                    strokeOpacity: 0.8,
                  }),
                ]
              : [],
          ),
          ...lines(series),
        ],
      },
    });
  };
  return markup`${isNamed ? markup`<h3>Set ${set}</h3>` : ''} ${runs.length > 1 ? legend(keysOf(runs, [{ text: '' }])) : ''}
  ${figure(
    [draw(GREEDY), ...(sampled ? [draw(SAMPLED), draw(MAJORITY)] : [])],
    markup`${count(first.items)} held-out questions that are in no training
    set${sampled ? markup`, ${sampled.samples_per_item} samples each at temperature 1` : ''}. Bars are 95 % intervals over
    questions; the dotted line is the base model.`,
    behind(`accuracy-${slug(set)}`, ...runs.map((data) => accuracyTable(runs, data, rowsOf(data), set))),
  )}
  ${
    sampled
      ? markup`<h3>Elicitation or new ability?</h3>
          ${figure(
            [draw(WORKED), draw(WORKED_RIGHT), draw(OTHERS_RIGHT)],
            markup`A <em>worked</em> answer has steps before its result. Sampled accuracy is the share of worked answers
              times their accuracy, plus the rest. When only the share rises, the Solver uses more often what it could
              do before: that is elicitation. New ability would show as worked answers that are right more often.`,
            behind(`worked-${slug(set)}`, ...runs.map((data) => workedTable(runs, data, rowsOf(data), set))),
          )}`
      : ''
  }`;
}

function seriesOf(data: RunData, rows: readonly EvaluationRow[], mode: string, of: Measure['of']): Series {
  return {
    colour: colourOf(data),
    points: rows.flatMap((row) => {
      const estimate = row.mode === mode ? of(row) : undefined;
      if (!estimate) return [];
      const tip = `${iterationName(row.iteration)}: ${shareText(estimate)} (${intervalText(estimate)})`;
      return [{ x: row.iteration, ...estimate, tip }];
    }),
  };
}

/** By iteration: what was measured greedily and what on samples. */
function pairs(
  rows: readonly EvaluationRow[],
): { iteration: number; greedy?: EvaluationRow; sampled?: EvaluationRow }[] {
  const iterations = [...new Set(rows.map(({ iteration }) => iteration))].sort((a, b) => a - b);
  return iterations.map((iteration) => {
    const [greedy, sampled] = (['greedy', 'sampled'] as const).map((mode) =>
      rows.find((row) => row.iteration === iteration && row.mode === mode),
    );
    return { iteration, ...(greedy ? { greedy } : {}), ...(sampled ? { sampled } : {}) };
  });
}

const cells = (row: EvaluationRow | undefined, { of }: Measure): string[] => {
  const estimate = row && of(row);
  return [shareText(estimate), intervalText(estimate)];
};

function accuracyTable(runs: readonly RunData[], data: RunData, rows: readonly EvaluationRow[], set: string): Html {
  const gain = (row: EvaluationRow | undefined): string =>
    row && row.iteration > 0 ? gainText(difference(row.gain, row.gain_error)) : '';
  return table({
    id: idOf(`accuracy-${slug(set)}`, data),
    caption: named(
      runs,
      data,
      'Accuracy with 95 % intervals; gain against the base model in points, paired by question',
    ),
    columns: ['iteration', 'greedy', '95 %', 'gain', 'sampled', '95 %', 'gain', 'majority', '95 %'].map((head) => ({
      head,
    })),
    rows: pairs(rows).map(({ iteration, greedy, sampled }) => [
      iterationName(iteration),
      ...cells(greedy, GREEDY),
      gain(greedy),
      ...cells(sampled, SAMPLED),
      gain(sampled),
      ...cells(sampled, MAJORITY),
    ]),
  });
}

function workedTable(runs: readonly RunData[], data: RunData, rows: readonly EvaluationRow[], set: string): Html {
  return table({
    id: idOf(`worked-${slug(set)}`, data),
    caption: named(runs, data, 'Worked answers among the samples, and how many are right'),
    columns: ['iteration', 'worked', '95 %', 'of these right', '95 %', 'others right', '95 %'].map((head) => ({
      head,
    })),
    rows: pairs(rows)
      .filter(({ sampled }) => sampled)
      .map(({ iteration, sampled }) => [
        iterationName(iteration),
        ...cells(sampled, WORKED),
        ...cells(sampled, WORKED_RIGHT),
        ...cells(sampled, OTHERS_RIGHT),
      ]),
  });
}
