/**
 * Near-duplicate questions. Two texts are near when their skeletons are the same (numbers, symbols and words of meaning, in
 * order; see `question-form.ts`) and the Jaccard similarity of their other words, |A ∩ B| / |A ∪ B| with repeated words
 * numbered, reaches the threshold. So a changed number or operator always makes another question, a changed name does not.
 *
 * The join is exact, not a sketch. Prefix filter (Chaudhuri et al., ICDE 2006; Bayardo et al., WWW 2007): with the words of
 * a set of size s in a fixed order, two sets of similarity t or more share a word within their first s - ceil(t s) + 1. The
 * order is rarest first, so the lists behind those words are short. Compared as integers: no rounding at the threshold.
 */
import type { RationalBound } from '../presets.ts';
import type { QuestionForm } from './question-form.ts';

export interface NearMatch {
  /** Number of the text in the index, by order of adding. */
  position: number;
  /** Words in common, and in either; 1 and 1 for two texts without any. */
  common: number;
  union: number;
}

/** Numbers every word of the texts to be compared, rarest first; words of equal frequency by first appearance. */
export class WordRanks {
  readonly #rank: ReadonlyMap<string, number>;

  constructor(collections: readonly (readonly (QuestionForm | null)[])[]) {
    const frequency = new Map<string, number>();
    for (const form of collections.flat()) {
      for (const word of form?.words ?? []) frequency.set(word, (frequency.get(word) ?? 0) + 1);
    }
    const words = [...frequency].toSorted((a, b) => a[1] - b[1]);
    this.#rank = new Map(words.map(([word], rank) => [word, rank]));
  }

  /** The words as ascending ranks. Every word must be of the texts that the ranks were made from. */
  encode(words: readonly string[]): Int32Array {
    return Int32Array.from(words, (word) => this.#rank.get(word)!).toSorted();
  }
}

const NO_WORD = -1;

/** Texts with the same skeleton. */
interface Group {
  /** Their positions. */
  members: number[];
  /** Positions by each word of their prefix. */
  postings: Map<number, number[]>;
}

/** Texts to compare with, in the order in which they are added. */
export class NearDuplicateIndex {
  readonly #threshold: RationalBound;
  readonly #ranks: WordRanks;
  readonly #sets: Int32Array[] = [];
  readonly #sketches: Sketch[] = [];
  readonly #groups = new Map<string, Group>();

  constructor(threshold: RationalBound, ranks: WordRanks) {
    this.#threshold = threshold;
    this.#ranks = ranks;
  }

  add({ skeleton, words }: QuestionForm): void {
    const set = this.#ranks.encode(words);
    const position = this.#sets.push(set) - 1;
    this.#sketches.push(sketchOf(set));
    let group = this.#groups.get(skeleton);
    if (group === undefined) this.#groups.set(skeleton, (group = { members: [], postings: new Map() }));
    group.members.push(position);
    for (const word of this.#prefix(set)) {
      const list = group.postings.get(word);
      if (list === undefined) group.postings.set(word, [position]);
      else list.push(position);
    }
  }

  /** The first text added that is near this one. */
  first({ skeleton, words }: QuestionForm): NearMatch | undefined {
    const group = this.#groups.get(skeleton);
    if (group === undefined) return undefined;
    const set = this.#ranks.encode(words);
    const sketch = sketchOf(set);
    let found: NearMatch | undefined;
    for (const candidates of this.#candidates(group, set)) {
      for (const position of candidates) {
        if (found && position >= found.position) break; // lists ascend
        found = this.#compare(set, sketch, position) ?? found;
      }
    }
    return found;
  }

  /** Ascending lists that hold every text near the set; the whole group when its lists would be longer. */
  #candidates({ members, postings }: Group, set: Int32Array): readonly (readonly number[])[] {
    const lists = this.#prefix(set).flatMap((word) => {
      const list = postings.get(word);
      return list === undefined ? [] : [list];
    });
    const entries = lists.reduce((sum, list) => sum + list.length, 0);
    return entries < members.length ? lists : [members];
  }

  #compare(set: Int32Array, sketch: Sketch, position: number): NearMatch | undefined {
    const other = this.#sets[position]!;
    const both = set.length + other.length;
    if (both === 0) return { position, common: 1, union: 1 };
    // |A ∩ B| / (|A| + |B| - |A ∩ B|) >= n / d, solved for |A ∩ B|.
    const { numerator, denominator } = this.#threshold;
    const least = Math.ceil((both * numerator) / (numerator + denominator));
    if (bitsApart(sketch, this.#sketches[position]!) > both - 2 * least) return undefined;
    const common = countCommon(set, other, least);
    return common === undefined ? undefined : { position, common, union: both - common };
  }

  /** The rarest words, of which near sets share one. Sets without words share what stands for no word. */
  #prefix(set: Int32Array): number[] {
    if (set.length === 0) return [NO_WORD];
    const { numerator, denominator } = this.#threshold;
    return Array.from(set.subarray(0, set.length - Math.ceil((set.length * numerator) / denominator) + 1));
  }
}

/**
 * 128 bits, each flipped by the words that fall on it. Two sets differ by at least as many words as their sketches by bits, so
 * most pairs of word salad from a small vocabulary, where the prefix filter lets all pass, are refused in four steps.
 */
type Sketch = readonly [number, number, number, number];

function sketchOf(set: Int32Array): Sketch {
  const sketch: [number, number, number, number] = [0, 0, 0, 0];
  for (const word of set) sketch[(word >>> 5) & 3]! ^= 1 << (word & 31);
  return sketch;
}

function bitsApart(a: Sketch, b: Sketch): number {
  return countBits(a[0] ^ b[0]) + countBits(a[1] ^ b[1]) + countBits(a[2] ^ b[2]) + countBits(a[3] ^ b[3]);
}

/** Ones among 32 bits (Warren, Hacker's Delight, section 5-1). */
function countBits(bits: number): number {
  let sum = bits - ((bits >>> 1) & 0x55555555);
  sum = (sum & 0x33333333) + ((sum >>> 2) & 0x33333333);
  return Math.imul((sum + (sum >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Size of the intersection of two ascending lists; undefined, as soon as that is certain, when it is less than `least`. */
function countCommon(a: Int32Array, b: Int32Array, least: number): number | undefined {
  const sparedOfA = a.length - least;
  const sparedOfB = b.length - least;
  if (sparedOfA < 0 || sparedOfB < 0) return undefined;
  let i = 0;
  let j = 0;
  let common = 0;
  while (i < a.length && j < b.length) {
    const difference = a[i]! - b[j]!;
    if (difference === 0) common += 1;
    if (difference <= 0) i += 1;
    if (difference >= 0) j += 1;
    if (i - common > sparedOfA || j - common > sparedOfB) return undefined;
  }
  return common >= least ? common : undefined;
}
