/** How the Solver of an iteration differs from the base model's and from that of the iteration before, on the questions of one set. */
import { mapInSlices } from '../in-slices.ts';
import { percentileInterval, RESAMPLES, resampledMean } from '../method/paired-bootstrap.ts';
import { deriveSeed } from '../method/seeds.ts';
import { mean } from '../statistics.ts';
import { readItemAnswers } from '../../db/queries/evaluation-scores.ts';
import type { ComparisonRow, ItemAnswers } from '../../db/queries/evaluation-scores.ts';
import type pg from 'pg';
import { majorityIsCorrect, type Grader } from './grading.ts';
import type { SetItem } from './item.ts';

export interface Compared {
  run: { runId: string; seed: number };
  iteration: number;
  setName: string;
  setHash: string;
  mode: 'greedy' | 'sampled';
  grader: Grader;
  /** Of the set, from the front: at least those that were asked. */
  items: readonly SetItem[];
}

type Comparison = Omit<ComparisonRow, 'set_name' | 'against_iteration'> & { setName: string; againstIteration: number };

/**
 * None for the base model, and where nothing was evaluated before.
 *
 * @param own answers that are not stored yet
 */
export async function compareEvaluation(
  connection: pg.Pool | pg.PoolClient,
  compared: Compared,
  own: readonly ItemAnswers[],
  signal?: AbortSignal,
): Promise<Comparison[]> {
  const { run, iteration, setName, setHash, mode } = compared;
  if (iteration === 0) return [];
  const at = { runId: run.runId, setName, setHash, mode };
  const now = [...(await readItemAnswers(connection, { ...at, iteration })), ...own];
  // At iteration 1 base and previous are the same.
  const earlier = new Map<number, ItemAnswers[]>();
  for (const before of new Set([0, iteration - 1])) {
    earlier.set(before, await readItemAnswers(connection, { ...at, iteration: before }));
  }
  const comparisons: Comparison[] = [];
  const measures = mode === 'greedy' ? (['greedy'] as const) : (['mean', 'majority'] as const);
  for (const measure of measures) {
    const current = await scoresOf(compared, measure, now, signal);
    const scores = new Map<number, Map<number, number>>();
    for (const [before, answers] of earlier) scores.set(before, await scoresOf(compared, measure, answers, signal));
    for (const [against, againstIteration] of [
      ['base', 0],
      ['previous', iteration - 1],
    ] as const) {
      const before = scores.get(againstIteration)!;
      const items = [...current.keys()].filter((item) => before.has(item));
      if (items.length === 0) continue;
      const differences = Float64Array.from(items, (item) => current.get(item)! - before.get(item)!);
      const seed = deriveSeed({
        runSeed: run.seed,
        iteration,
        phase: 'evaluation',
        unit: 0,
        item: 0,
        sample: 0,
        stream: `bootstrap ${setName} ${measure} ${against}`,
      });
      const resamples = Array.from({ length: RESAMPLES }, (_, index) => index);
      const means = await mapInSlices(resamples, (index) => resampledMean(differences, seed, index), signal);
      comparisons.push({
        iteration,
        setName,
        measure,
        against,
        againstIteration,
        items: items.length,
        value: mean(items.map((item) => current.get(item)!)),
        reference: mean(items.map((item) => before.get(item)!)),
        ...percentileInterval(differences, means),
        resamples: RESAMPLES,
        seed,
      });
    }
  }
  return comparisons;
}

/** By item, from 0 to 1. */
async function scoresOf(
  { grader, items }: Compared,
  measure: ComparisonRow['measure'],
  answers: readonly ItemAnswers[],
  signal?: AbortSignal,
): Promise<Map<number, number>> {
  const score = ({ item, extracted, correct }: ItemAnswers): [number, number] => [
    item,
    measure === 'majority'
      ? Number(majorityIsCorrect(grader, extracted, items[item]!))
      : correct.filter(Boolean).length / correct.length,
  ];
  return new Map(await mapInSlices(answers, score, signal));
}
