/**
 * The repetition penalty of arXiv 2508.05004, section 3.2: questions are clustered by BLEU distance (1 - BLEU, average linkage,
 * threshold 0.5) and each pays for its cluster's share of the batch.
 */
import { clusterByBleu } from './bleu-clusters.ts';
import { writeBleuDistances } from './bleu-distances.ts';
import type { RowShare } from './bleu-distances.ts';
import { internTokens } from './ngram-index.ts';
import { pythonSplit } from '../official/python-text.ts';
import { RZeroError } from '../../errors.ts';
import type { FrozenPreset } from '../presets.ts';

export interface RepetitionResult {
  /** Cluster of each question, numbered by first appearance; -1 for an item left out of clustering. */
  cluster: Int32Array;
  /** Size of the question's cluster; 0 for an item left out. */
  size: Int32Array;
  /** Share of the batch, 0 to 1, before the weight λ. */
  penalty: Float64Array;
}

type RepetitionOptions = FrozenPreset['repetition'];

function tokenize(text: string, tokenizer: 'whitespace' | 'symbols'): string[] {
  return tokenizer === 'whitespace'
    ? pythonSplit(text)
    : (text.toLowerCase().match(/[\p{L}\p{M}]+|\p{N}|[^\s]/gu) ?? []);
}

/** Positions of the questions that are clustered: all, or all that are `valid` (not blank, if that is not known). */
export function clusteredItems(
  questions: readonly string[],
  options: RepetitionOptions,
  valid?: readonly boolean[],
): number[] {
  const takesPart = (i: number): boolean =>
    options.invalidItems === 'singletons' || (valid === undefined ? questions[i]?.trim() !== '' : valid[i] === true);
  return Array.from(questions, (_, i) => i).filter(takesPart);
}

/** Fills a share of the condensed distance matrix of the clustered questions, for `repetitionPenalties` to use. */
export function writeRepetitionDistances(
  questions: readonly string[],
  options: RepetitionOptions,
  valid: readonly boolean[] | undefined,
  distances: Float64Array,
  share: RowShare,
): void {
  const members = clusteredItems(questions, options, valid);
  const tokens = members.map((i) => tokenize(questions[i] as string, options.tokenizer));
  writeBleuDistances(internTokens(tokens), options.mergeIdentical, distances, share);
}

/**
 * Penalties of one batch, all of whose questions count in B. `valid` marks the items that take part when the options leave
 * invalid ones out; without it blank questions are the invalid ones. BLEU is not symmetric: the earlier item is the hypothesis.
 *
 * @param distances what `writeRepetitionDistances` has filled, if the distances are known already; overwritten
 */
export function repetitionPenalties(
  questions: readonly string[],
  options: RepetitionOptions,
  valid?: readonly boolean[],
  distances?: Float64Array,
): RepetitionResult {
  const threshold = options.distanceThreshold;
  if (!(threshold > 0 && threshold <= 1)) {
    throw new RZeroError('PresetInvalid', `The distance threshold is ${threshold}.`, {
      field: 'repetition.distanceThreshold',
      fix: 'Give a number above 0 and up to 1.',
    });
  }
  const total = questions.length;
  const members = clusteredItems(questions, options, valid);
  const tokens = members.map((i) => tokenize(questions[i] as string, options.tokenizer));
  const labels = clusterByBleu(tokens, threshold, options, distances);

  const cluster = new Int32Array(total).fill(-1);
  const size = new Int32Array(total);
  const penalty = new Float64Array(total);
  const sizes = new Int32Array(members.length);
  for (const label of labels) sizes[label] = (sizes[label] as number) + 1;
  members.forEach((item, k) => {
    const label = labels[k] as number;
    const count = sizes[label] as number;
    cluster[item] = label;
    size[item] = count;
    penalty[item] = (options.countSelf ? count : count - 1) / total;
  });
  return { cluster, size, penalty };
}
