/**
 * What ends a sequence, in token ids. A text can be cut into tokens in many ways, and its end may lie inside one, so texts
 * that are to end an answer come as a finite automaton over tokens (`activities/stop-automaton.ts` makes it of texts and a
 * tokenizer). The engine follows it with one look-up a token and needs to know nothing about text.
 */
import { RZeroError } from '../errors.ts';

export interface StopPattern {
  /** Every sequence starts in state 0. */
  states: number;
  /** Ids from this one on have no text: the state stays what it is. */
  vocabulary: number;
  /** Tokens that are not the same to every state as one that leads to state 0. */
  tokens: Int32Array;
  /** State after each of them: entry `index * states + state`; -1 ends the sequence. */
  next: Int32Array;
}

/** Told the tokens of one sequence in turn; says whether it ends with this one. */
export type StopWatch = (token: number) => boolean;

/** @returns makes the watch of one sequence */
export function stopWatches(stopTokens: ReadonlySet<number>, pattern?: StopPattern): () => StopWatch {
  const ends: StopWatch = (token) => stopTokens.has(token);
  if (!pattern) return () => ends;
  const { states, vocabulary, tokens, next } = pattern;
  const places = new Map(Array.from(tokens, (token, index) => [token, index * states]));
  return () => {
    let state = 0;
    return (token) => {
      if (token < vocabulary) {
        const place = places.get(token);
        state = place === undefined ? 0 : (next[place + state] as number);
      }
      return state < 0 || ends(token);
    };
  };
}

/** @throws RZeroError `EngineRequestInvalid` */
export function validateStopPattern({ states, vocabulary, tokens, next }: StopPattern): void {
  const whole = (value: number, least: number): boolean => Number.isInteger(value) && value >= least;
  const consistent =
    whole(states, 1) &&
    whole(vocabulary, 0) &&
    next.length === tokens.length * states &&
    next.every((state) => state >= -1 && state < states);
  if (consistent) return;
  throw new RZeroError('EngineRequestInvalid', 'params.stopPattern is no automaton: its parts do not fit together.', {
    field: 'params.stopPattern',
    fix: 'Make it with stopPatternOf of activities/stop-automaton.ts.',
  });
}
