/** Whether the Challenger still finds something new. */
import { NORMAL_95 } from '../../../activities/statistics.ts';
import type { DiversityRow } from '../../../db/queries/report-diversity.ts';
import { count, decimal, percent } from '../../cli/numbers.ts';
import {
  SHARE,
  figure,
  grid,
  iterationAxis,
  iterationDomain,
  lines,
  panel,
  percentAxis,
  Plot,
  stepLine,
} from '../chart.ts';
import type { Point, Series } from '../chart.ts';
import type { RunData } from '../data.ts';
import { markup } from '../html.ts';
import type { Html } from '../html.ts';
import { legend } from '../legend.ts';
import { colourOf, idOf, keysOf, named } from '../runs.ts';
import { behind, table } from '../table.ts';
import { note, section } from './section.ts';

export function diversitySection(runs: readonly RunData[]): Html {
  if (runs.every(({ diversity, clusters }) => diversity.length + clusters.length === 0)) {
    return section('diversity', 'Diversity of the questions', note('No questions were generated yet.'));
  }
  return section(
    'diversity',
    'Diversity of the questions',
    runs.length > 1 ? legend(keysOf(runs, [{ text: '' }])) : '',
    figure(
      [
        shares(runs, 'Different questions', (row) => [row.distinct_questions, row.questions]),
        shares(runs, 'Different runs of four words', (row) => [row.distinct_4, row.fours]),
        clusters(runs),
        ...(runs.some(({ meanings }) => meanings.length > 0) ? [meanings(runs)] : []),
      ],
      markup`Left: of the parsed questions of the data generation, how many are different. Middle: of all runs of four words
      in as many questions of each iteration, how many are different; a digit and a sign are words, too. Right: clusters of
      near questions among the valid ones of a step of Challenger training, which is what its repetition penalty counts.${meaningsNote(runs)}`,
      behind('diversity', ...runs.flatMap((data) => [diversityTable(runs, data), meaningTable(runs, data)])),
    ),
  );
}

function shares(runs: readonly RunData[], title: string, of: (row: DiversityRow) => [number, number]): Html {
  const iterations = runs.flatMap(({ diversity }) => diversity.map(({ iteration }) => iteration));
  const series = runs.map((data): Series => ({
    colour: colourOf(data),
    points: data.diversity.flatMap((row): Point[] => {
      const [different, all] = of(row);
      if (all === 0) return [];
      const tip = `${row.iteration}: ${percent(different / all)} of ${count(all)}`;
      return [{ x: row.iteration, value: different / all, tip }];
    }),
  }));
  return panel({
    title,
    says: series.flatMap(({ points }) => points.map(({ tip }) => tip)).join('; '),
    plot: {
      x: iterationDomain(iterations.length > 0 ? iterations : [1]),
      y: SHARE,
      marks: [...percentAxis(), iterationAxis(iterations, false), ...lines(series)],
    },
  });
}

function meanings(runs: readonly RunData[]): Html {
  const iterations = runs.flatMap(({ meanings: rows }) => rows.map(({ iteration }) => iteration));
  const series = runs.map((data): Series => ({
    colour: colourOf(data),
    points: data.meanings.map(({ iteration, questions, distance, error, vendi }) => ({
      x: iteration,
      value: distance,
      low: distance - NORMAL_95 * error,
      high: distance + NORMAL_95 * error,
      tip: `${iteration}: ${decimal(distance, 3)} of ${count(questions)} questions, Vendi score ${decimal(vendi)}`,
    })),
  }));
  return panel({
    title: 'Mean distance in meaning',
    says: series.flatMap(({ points }) => points.map(({ tip }) => tip)).join('; '),
    plot: {
      x: iterationDomain(iterations),
      y: { nice: true, domain: [0, Math.max(...series.flatMap(({ points }) => points.map(({ high }) => high ?? 0)))] },
      marks: [
        grid(),
        Plot.axisY({ ticks: 4, tickSize: 0, label: null }),
        iterationAxis(iterations, false),
        ...lines(series),
      ],
    },
  });
}

function meaningsNote(runs: readonly RunData[]): string {
  const models = [...new Set(runs.flatMap(({ config }) => config.diversity?.embedding?.model ?? []))];
  return models.length === 0
    ? ''
    : ` Last: mean cosine distance between the questions’ embeddings by ${models.join(' and ')}, with 95 % intervals.`;
}

function meaningTable(runs: readonly RunData[], data: RunData): Html {
  if (data.meanings.length === 0) return markup``;
  return table({
    id: idOf('diversity-meanings', data),
    caption: named(
      runs,
      data,
      'Distance in meaning: mean cosine distance of all pairs; Vendi score of order 2, an effective number',
    ),
    columns: ['iteration', 'questions', 'distance', '95 %', 'Vendi score'].map((head) => ({ head })),
    rows: data.meanings.map(({ iteration, questions, distance, error, vendi }) => [
      String(iteration),
      count(questions),
      decimal(distance, 4),
      `${decimal(distance - NORMAL_95 * error, 4)}–${decimal(distance + NORMAL_95 * error, 4)}`,
      decimal(vendi),
    ]),
  });
}

function clusters(runs: readonly RunData[]): Html {
  const series = runs.map((data): Series => ({
    colour: colourOf(data),
    points: data.clusters.map((row, index) => ({
      x: index + 1,
      value: row.clusters / row.questions,
      tip: `${row.iteration}, step ${row.step + 1}: ${row.clusters} of ${row.questions}`,
    })),
  }));
  const longest = Math.max(2, ...series.map(({ points }) => points.length));
  return panel({
    title: 'Clusters a question, by step',
    says: series
      .map(({ points }) => `from ${decimal(points[0]?.value)} to ${decimal(points.at(-1)?.value)}`)
      .join('; '),
    plot: {
      x: { domain: [0.5, longest + 0.5] },
      y: SHARE,
      marks: [
        grid(),
        Plot.axisY({ ticks: 4, tickSize: 0, label: null }),
        Plot.axisX({ ticks: 6, tickSize: 0, label: null, tickFormat: 'd' }),
        ...stepLine(series),
      ],
    },
  });
}

function diversityTable(runs: readonly RunData[], data: RunData): Html {
  const of = (different: number, all: number): string => (all > 0 ? percent(different / all) : '–');
  return table({
    id: idOf('diversity-shares', data),
    caption: named(
      runs,
      data,
      'Different ones among all: questions; words, pairs and fours of them in as many questions of each iteration',
    ),
    columns: [
      'iteration',
      'questions',
      'different',
      'share',
      'most frequent',
      'words of',
      'words',
      'pairs',
      'fours',
      'clusters a question in training',
    ].map((head) => ({ head })),
    rows: data.diversity.map((row) => {
      const steps = data.clusters.filter(({ iteration }) => iteration === row.iteration);
      const [found, among] = [
        steps.reduce((sum, step) => sum + step.clusters, 0),
        steps.reduce((sum, step) => sum + step.questions, 0),
      ];
      return [
        String(row.iteration),
        count(row.questions),
        count(row.distinct_questions),
        of(row.distinct_questions, row.questions),
        count(row.most_frequent),
        count(row.counted),
        of(row.distinct_1, row.words),
        of(row.distinct_2, row.pairs),
        of(row.distinct_4, row.fours),
        among > 0 ? decimal(found / among) : '–',
      ];
    }),
  });
}
