/**
 * Prompts that hold text from elsewhere. A model's own template may say `<|im_end|>` and mean the token; a question that
 * another model wrote may spell it and must not: it would end the turn and speak in the next one's name.
 */

/** A piece of a prompt. In `plain` text special tokens are ordinary characters. */
export interface PromptPart {
  readonly text: string;
  readonly plain?: boolean;
}

export interface SpecialToken {
  readonly id: number;
  readonly content: string;
  /** The token takes the blanks before, or after it. */
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
}

export interface SpecialSpan {
  readonly token: SpecialToken;
  /** Where its text begins in the whole prompt. */
  readonly start: number;
}

/** The special tokens that template text spells; a token never reaches over the border of a plain part. */
export function specialSpans(parts: readonly PromptPart[], specials: readonly SpecialToken[]): SpecialSpan[] {
  if (specials.length === 0) return [];
  const byContent = new Map(specials.map((token) => [token.content, token]));
  const pattern = patternOf(specials);
  let offset = 0;
  return joined(parts).flatMap(({ text, plain }) => {
    const matches = plain ? [] : [...text.matchAll(pattern)];
    const start = offset;
    offset += text.length;
    return matches.map((match) => ({ token: byContent.get(match[0]) as SpecialToken, start: start + match.index }));
  });
}

/** The tokens at the spans and the texts between them, in order. */
export function splitAtSpans(text: string, spans: readonly SpecialSpan[]): (SpecialToken | string)[] {
  const pieces: (SpecialToken | string)[] = [];
  let from = 0;
  let strip = false;
  const add = (piece: string, stripEnd: boolean | undefined): void => {
    const started = strip ? piece.trimStart() : piece;
    const whole = stripEnd ? started.trimEnd() : started;
    if (whole !== '') pieces.push(whole);
  };
  for (const { token, start } of spans) {
    add(text.slice(from, start), token.lstrip);
    pieces.push(token);
    from = start + token.content.length;
    strip = token.rstrip ?? false;
  }
  add(text.slice(from), false);
  return pieces;
}

/** Neighbours of one kind as one part: a token may lie across two parts of the template. */
function joined(parts: readonly PromptPart[]): PromptPart[] {
  const out: { text: string; plain: boolean }[] = [];
  for (const { text, plain = false } of parts) {
    const last = out.at(-1);
    if (last?.plain === plain) last.text += text;
    else if (text !== '') out.push({ text, plain });
  }
  return out;
}

/** The longest token first: one may begin with another. */
function patternOf(specials: readonly SpecialToken[]): RegExp {
  const contents = specials.map(({ content }) => content).sort((a, b) => b.length - a.length);
  return new RegExp(contents.map((content) => content.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'gu');
}
