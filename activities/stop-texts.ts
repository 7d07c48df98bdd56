/** Ends completions at the stop texts of a prompt file. Engines know token ids only, so this is done on what they return. */
import type { Tokenizer } from './engine/tokenizer.ts';
import type { Completion } from './engine/types.ts';

/** A completion with its text; `logprobs` and `tokens` stay of equal length. */
export type DecodedCompletion = Completion & { text: string };

/**
 * Decodes a completion and cuts it before the first stop text. Tokens after the cut are dropped: nobody reads them, so
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
  const starts = stop.map((text) => whole.indexOf(text)).filter((start) => start >= 0);
  if (starts.length === 0) return { ...completion, text: whole };
  const text = whole.slice(0, Math.min(...starts));
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

/**
 * Tokens at which an engine may stop at once, because each is exactly a stop text: `endAtStopText` would cut there anyway, so
 * they change how long sampling takes and nothing of its result.
 */
export function stopTokensOf(tokenizer: Pick<Tokenizer, 'encode' | 'decode'>, stop: readonly string[] = []): number[] {
  return stop.flatMap((text) => {
    const ids = encodable(tokenizer, text);
    return ids.length === 1 && tokenizer.decode(ids) === text ? ids : [];
  });
}

/** A small vocabulary may lack a character of the text; then no token is it. */
function encodable(tokenizer: Pick<Tokenizer, 'encode'>, text: string): number[] {
  try {
    return tokenizer.encode(text);
  } catch {
    return [];
  }
}
