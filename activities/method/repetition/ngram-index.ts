/**
 * Which n-grams of orders 1 to 4 the texts of a batch share. A text's k-th copy of an n-gram is an item of its own, so clipped
 * matches, the sum of the smaller counts, are the number of common items: a row of counts needs no comparison, only increments.
 */
export const MAX_ORDER = 4;

export interface NgramIndex {
  /** Number of texts. */
  texts: number;
  /** Length of each text in tokens. */
  lengths: Int32Array;
  /** Entries of order o of text i: from `rows[i * MAX_ORDER + o - 1]` on, up to the next. */
  rows: Int32Array;
  /** Per entry, an item of the text that later texts have too: the range of those texts in `postings`, ascending. */
  from: Int32Array;
  to: Int32Array;
  postings: Int32Array;
}

/** Numbers the tokens of a batch. */
export function internTokens(tokenLists: readonly (readonly string[])[]): Int32Array[] {
  const vocabulary = new Map<string, number>();
  return tokenLists.map((tokens) =>
    Int32Array.from(tokens, (token) => {
      const known = vocabulary.get(token);
      if (known !== undefined) return known;
      vocabulary.set(token, vocabulary.size);
      return vocabulary.size - 1;
    }),
  );
}

export function buildNgramIndex(texts: readonly Int32Array[]): NgramIndex {
  const { items, lengths, rows, distinct } = numberItems(texts);
  const starts = new Int32Array(distinct + 1);
  for (const item of items) starts[item + 1] = (starts[item + 1] as number) + 1;
  for (let item = 0; item < distinct; item += 1) {
    starts[item + 1] = (starts[item + 1] as number) + (starts[item] as number);
  }
  const postings = new Int32Array(items.length);
  const from = new Int32Array(items.length);
  const next = starts.slice(0, distinct);
  for (let text = 0; text < texts.length; text += 1) {
    const end = rows[(text + 1) * MAX_ORDER] as number;
    for (let entry = rows[text * MAX_ORDER] as number; entry < end; entry += 1) {
      const place = next[items[entry] as number] as number;
      postings[place] = text;
      from[entry] = place + 1;
      next[items[entry] as number] = place + 1;
    }
  }
  return { texts: texts.length, lengths, ...keepShared(rows, from, items, starts), postings };
}

/** Leaves out the entries that no later text shares, most of them in a diverse batch. Works in place. */
function keepShared(
  rows: Int32Array,
  from: Int32Array,
  items: Int32Array,
  starts: Int32Array,
): { rows: Int32Array; from: Int32Array; to: Int32Array } {
  let kept = 0;
  let entry = 0;
  for (let row = 0; row + 1 < rows.length; row += 1) {
    const end = rows[row + 1] as number;
    rows[row] = kept;
    for (; entry < end; entry += 1) {
      const to = starts[(items[entry] as number) + 1] as number;
      if (from[entry] === to) continue;
      from[kept] = from[entry] as number;
      items[kept] = to;
      kept += 1;
    }
  }
  rows[rows.length - 1] = kept;
  return { rows, from: from.slice(0, kept), to: items.slice(0, kept) };
}

/** Items of all texts, text by text and order by order; equal items have equal numbers. */
function numberItems(texts: readonly Int32Array[]): {
  items: Int32Array;
  lengths: Int32Array;
  rows: Int32Array;
  distinct: number;
} {
  const rows = new Int32Array(texts.length * MAX_ORDER + 1);
  const lengths = Int32Array.from(texts, (text) => text.length);
  let total = 0;
  let words = 0;
  texts.forEach((text, i) => {
    for (let order = 0; order < MAX_ORDER; order += 1) {
      rows[i * MAX_ORDER + order] = total;
      total += Math.max(0, text.length - order);
    }
    for (const word of text) words = Math.max(words, word + 1);
  });
  rows[texts.length * MAX_ORDER] = total;

  const pairs = new PairNumbers(words, total);
  const items = new Int32Array(total);
  // How often an n-gram has occurred, valid when it was last seen in the present text.
  const seenIn = new Int32Array(words + total).fill(-1);
  const copies = new Int32Array(words + total);
  let entry = 0;
  texts.forEach((text, i) => {
    const grams = text.slice();
    for (let order = 0; order < MAX_ORDER; order += 1) {
      for (let start = 0; start + order < text.length; start += 1) {
        // An n-gram is the pair of its first n - 1 tokens and its last one: no joined strings.
        const gram =
          order === 0 ? (grams[start] as number) : pairs.number(grams[start] as number, text[start + order] as number);
        grams[start] = gram;
        const copy = seenIn[gram] === i ? (copies[gram] as number) + 1 : 0;
        seenIn[gram] = i;
        copies[gram] = copy;
        items[entry] = copy === 0 ? gram : pairs.number(gram, -copy);
        entry += 1;
      }
    }
  });
  return { items, lengths, rows, distinct: pairs.next };
}

/** Numbers pairs of integers in order of appearance, by open addressing: a `Map` would need an object for each key. */
class PairNumbers {
  /** The number that the next new pair gets. */
  next: number;
  readonly #first: number;
  readonly #mask: number;
  readonly #slots: Int32Array;
  readonly #left: Int32Array;
  readonly #right: Int32Array;

  /** @param first the first number to give @param capacity how many pairs there can be at most */
  constructor(first: number, capacity: number) {
    this.next = first;
    this.#first = first;
    this.#left = new Int32Array(capacity);
    this.#right = new Int32Array(capacity);
    let size = 16;
    while (size < 2 * capacity) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Int32Array(size).fill(-1);
  }

  number(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    let slot = (hash ^ (hash >>> 13)) & this.#mask;
    for (;;) {
      const pair = this.#slots[slot] as number;
      if (pair === -1) break;
      if (this.#left[pair] === left && this.#right[pair] === right) return pair + this.#first;
      slot = (slot + 1) & this.#mask;
    }
    const pair = this.next - this.#first;
    this.#slots[slot] = pair;
    this.#left[pair] = left;
    this.#right[pair] = right;
    this.next += 1;
    return this.next - 1;
  }
}
