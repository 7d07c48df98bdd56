/**
 * Ends completions at the stop texts of a prompt file. Engines know token ids only, so where the text ends is decided on what
 * they return; that they end there themselves (stop-automaton.ts) saves what would be dropped.
 */
import type { Tokenizer } from './engine/tokenizer.ts';
import type { Completion } from './engine/types.ts';

/** A completion with its text; `logprobs` and `tokens` stay of equal length. */
export type DecodedCompletion = Completion & { text: string };

/**
 * Decodes a completion and cuts it before the stop text that is complete first; of two that end together, before the longer.
 * So nothing depends on what would have followed. Tokens after the cut are dropped: nobody reads them, so
 * they are neither rewarded nor trained on. Where a token holds the end of the answer and the beginning of the stop text
 * (`}\n\n` is one token to some models) the token stays, because the answer needs it; the text is cut exactly. At least one
 * token stays: the policy did answer, with nothing.
 */
export function endAtStopText(
  tokenizer: Pick<Tokenizer, 'decode'>,
  completion: Completion,
  stop: readonly string[] = [],
): DecodedCompletion {
  const whole = tokenizer.decode(completion.tokens);
  const found = stop
    .map((text) => ({ start: whole.indexOf(text), length: text.length }))
    .filter(({ start }) => start >= 0);
  const [first] = found.sort((a, b) => a.start + a.length - (b.start + b.length) || a.start - b.start);
  if (!first) return { ...completion, text: whole };
  const text = whole.slice(0, first.start);
  const count = tokensOf(tokenizer, completion.tokens, text);
  return {
    tokens: completion.tokens.slice(0, count),
    logprobs: completion.logprobs.slice(0, count),
    finishReason: 'stop',
    text,
  };
}

/** How many tokens it takes until their text begins with `text`, at least one. More tokens only add to it: bisection. */
function tokensOf(tokenizer: Pick<Tokenizer, 'decode'>, tokens: readonly number[], text: string): number {
  let low = 1;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tokenizer.decode(tokens.slice(0, middle)).startsWith(text)) high = middle;
    else low = middle + 1;
  }
  return low;
}
