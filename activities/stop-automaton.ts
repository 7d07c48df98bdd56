/** Stop texts as an automaton over the tokens of a tokenizer (Aho and Corasick 1975, over bytes), for the engine to follow. */
import type { StopPattern } from './engine/stop-pattern.ts';
import type { Tokenizer } from './engine/tokenizer.ts';

const STOP = -1;

type Bytes = Pick<Tokenizer, 'tokenBytes'>;
const made = new WeakMap<Bytes, Map<string, StopPattern | undefined>>();

/**
 * The automaton that ends a sequence with the first token by which its text contains a stop text, wherever in its tokens that
 * begins and ends: where `endAtStopText` cuts, so that nothing of the result depends on it.
 *
 * @returns nothing when there is no stop text, or none that can be followed token by token
 */
export function stopPatternOf(tokenizer: Bytes, stop: readonly string[] = []): StopPattern | undefined {
  if (stop.length === 0 || !stop.every(isExact)) return undefined;
  const known = made.get(tokenizer) ?? new Map<string, StopPattern | undefined>();
  made.set(tokenizer, known);
  const key = JSON.stringify(stop);
  if (!known.has(key)) {
    const bytes = tokenizer.tokenBytes();
    known.set(key, bytes && overTokens(bytes, overBytes(stop)));
  }
  return known.get(key);
}

/** Whether a text has one spelling in bytes: U+FFFD is what decoders write for any that are no text. */
function isExact(text: string): boolean {
  const same = new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text)) === text;
  return same && !text.includes('\uFFFD');
}

/** State after each byte: entry `state * 256 + byte`. States are beginnings of stop texts. */
function overBytes(stop: readonly string[]): Int32Array {
  const texts = stop.map((text) => new TextEncoder().encode(text));
  const children: Map<number, number>[] = [new Map()];
  const ends = new Set<number>();
  for (const text of texts) {
    let node = 0;
    for (const byte of text) {
      const from = children[node] as Map<number, number>;
      if (!from.has(byte)) from.set(byte, children.push(new Map()) - 1);
      node = from.get(byte) as number;
    }
    ends.add(node);
  }
  const next = new Int32Array(children.length * 256);
  // Breadth first: where a beginning goes on in no stop text, it goes on as its longest end that is a beginning itself.
  const fallback = new Int32Array(children.length);
  const queue = [0];
  for (const node of queue) {
    const behind = (fallback[node] as number) * 256;
    for (let byte = 0; byte < 256; byte++) {
      const child = children[node]?.get(byte);
      const other = node === 0 ? 0 : (next[behind + byte] as number);
      if (child === undefined) next[node * 256 + byte] = other;
      else {
        // What ends in a stop text has ended, and is the beginning of nothing.
        fallback[child] = Math.max(0, other);
        next[node * 256 + byte] = ends.has(child) || other === STOP ? STOP : child;
        queue.push(child);
      }
    }
  }
  return next;
}

function overTokens(bytes: readonly Uint8Array[], byByte: Int32Array): StopPattern {
  const states = byByte.length / 256;
  const tokens: number[] = [];
  const next: number[] = [];
  for (const [token, text] of bytes.entries()) {
    const after = Array.from({ length: states }, (_, from) => {
      let state = from;
      for (const byte of text) {
        state = byByte[state * 256 + byte] as number;
        if (state === STOP) break;
      }
      return state;
    });
    if (after.every((state) => state === 0)) continue;
    tokens.push(token);
    for (const state of after) next.push(state);
  }
  return { states, vocabulary: bytes.length, tokens: Int32Array.from(tokens), next: Int32Array.from(next) };
}
