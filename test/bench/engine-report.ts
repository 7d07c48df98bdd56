/** What the engine benchmark found, as the ratios that it promises. */
import type { Case, Compared } from './engine-compare.ts';

/** Each metric by model. */
export type Metric =
  | 'trainRatio'
  | 'decodeRatioB1'
  | 'decodeRatioB16'
  | 'decodeRatioB64'
  | 'peakMemoryRatio'
  | 'groupedGenerationRatio'
  | 'traceSeconds'
  | 'cachedLoadSeconds';

interface Requirement {
  meaning: string;
  /** `most` of a ratio to PyTorch, or `least` of it. */
  most?: number;
  least?: number;
}

export const METRICS: Readonly<Record<Metric, Requirement>> = {
  trainRatio: { meaning: "a training step's time, ours to PyTorch's", most: 1 },
  decodeRatioB1: { meaning: "a decode step's time, ours to PyTorch's, batch 1", most: 1.3 },
  decodeRatioB16: { meaning: 'batch 16', most: 1.15 },
  decodeRatioB64: { meaning: 'batch 64', most: 1 },
  peakMemoryRatio: { meaning: "peak memory of a training step, ours to PyTorch's", most: 1.2 },
  groupedGenerationRatio: { meaning: "tokens per second, ours to transformers' generate", least: 1.5 },
  traceSeconds: { meaning: 'opening weights, tracing and loading the graph', most: 15 },
  cachedLoadSeconds: { meaning: 'the same with the graph from the cache', most: 4 },
};

/** @param clock by which the sides are compared */
export function metricsOf(
  { cases, traceSeconds, cachedLoadSeconds }: Compared,
  clock: 'cpu' | 'wall',
): Partial<Record<Metric, number>> {
  const time = (one: Case, other = 'torch'): number | undefined =>
    ratio(cases[one]?.['ours']?.[clock], cases[one]?.[other]?.[clock]);
  const generation = cases.generate;
  const rate = (side: string): number | undefined => ratio(generation?.[side]?.tokens, generation?.[side]?.[clock]);
  const found: Record<Metric, number | undefined> = {
    trainRatio: time('train'),
    decodeRatioB1: time('decodeB1'),
    decodeRatioB16: time('decodeB16'),
    decodeRatioB64: time('decodeB64'),
    // Of the host's: what a GPU holds is not seen.
    peakMemoryRatio: clock === 'cpu' ? ratio(cases.train?.['ours']?.maxRss, cases.train?.['torch']?.maxRss) : undefined,
    groupedGenerationRatio: ratio(rate('ours'), rate('torch')),
    traceSeconds: traceSeconds.wall,
    cachedLoadSeconds: cachedLoadSeconds.wall,
  };
  const rounded = Object.entries(found).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Number(value.toPrecision(3))]],
  );
  return Object.fromEntries(rounded) as Partial<Record<Metric, number>>;
}

function ratio(ours: number | undefined, theirs: number | undefined): number | undefined {
  return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}

/** A line for each metric: what it means, the value of each model, and whether it is what was promised. */
export function metricLines(found: Readonly<Record<string, Partial<Record<Metric, number>>>>): string[] {
  const models = Object.keys(found);
  const head = ['', ...models, 'promised'];
  const rows = (Object.keys(METRICS) as Metric[]).map((metric) => {
    const { meaning, most, least } = METRICS[metric];
    const values = models.map((model) => {
      const value = found[model]?.[metric];
      if (value === undefined) return '–';
      const kept = value <= (most ?? Infinity) && value >= (least ?? 0);
      return kept ? String(value) : `${value} (missed)`;
    });
    return [`${metric}: ${meaning}`, ...values, most === undefined ? `≥ ${least}` : `≤ ${most}`];
  });
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] as string).length)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd(),
  );
}

/** `{ metric: { model: value } }` */
export function asJson(
  found: Readonly<Record<string, Partial<Record<Metric, number>>>>,
): Record<Metric, Record<string, number>> {
  const byModel = (metric: Metric): Record<string, number> =>
    Object.fromEntries(
      Object.entries(found).flatMap(([model, values]) =>
        values[metric] === undefined ? [] : [[model, values[metric]]],
      ),
    );
  return Object.fromEntries((Object.keys(METRICS) as Metric[]).map((metric) => [metric, byModel(metric)])) as Record<
    Metric,
    Record<string, number>
  >;
}
