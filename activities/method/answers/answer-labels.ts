/** Names in front of an answer: `x = 3`, `f(x) = 3`, `AB = 3`, `\angle ABC = 60`, `total area: 3`, `x \in (0, 1)`. */

const DECORATION =
  /\\(?:angle|measuredangle|triangle|overline|underline|vec|overrightarrow|hat|bar|widehat|Delta|mathcal|widetilde)(?![a-zA-Z])/g;
const NAME = /^\\?[a-zA-Z][a-zA-Z ]{0,40}(?:_(?:\{[\w+\-, ]{1,10}\}|\w))?'{0,3}$/;
const APPLIED = /^(?:[a-zA-Z]'{0,3}|[fgh]\^(?:\{-1\}|-1)|[A-Z]_\w|[fgh]_\w)\s?\(\s?([\w+\-,| ]{1,16})\s?\)$/;
const NAME_TUPLE = /^\(\s?[a-z](?:\s?,\s?[a-z])+\s?\)$/;

export interface Labelled {
  /** The name as written; for `(x, y) = ` the names in their order. */
  name: string;
  names: string[] | null;
  rest: string;
}

/** A name, its sign and what follows; null when the text does not begin so. */
export function splitLabel(text: string): Labelled | null {
  const sign = /(?<![<>=!\\])=(?!=)|\\in(?![a-zA-Z])|\\approx(?![a-zA-Z])|:/.exec(text);
  if (sign === null || sign.index === 0 || sign.index > 60) return null;
  const name = text
    .slice(0, sign.index)
    .replace(DECORATION, ' ')
    .replace(/(?<![_^])\{([a-zA-Z ]*)\}/g, '$1')
    .trim();
  const rest = text.slice(sign.index + sign[0].length).trim();
  if (rest === '' || rest.includes('=')) return null;
  if (NAME_TUPLE.test(name))
    return {
      name,
      names: name
        .slice(1, -1)
        .split(',')
        .map((part) => part.trim()),
      rest,
    };
  if (sign[0] === ':' && !/^(?:[a-z]|[a-zA-Z ]{2,40})$/.test(name)) return null;
  const applied = APPLIED.exec(name)?.[1];
  // x(x+1) = 6 is an equation; f(x+1) and P(A|B) are names.
  const isApplied = applied !== undefined && (/^[fghA-Z]/.test(name) || /^[a-z](?:, ?[a-z])*$/.test(applied));
  return NAME.test(name) || isApplied ? { name, names: null, rest } : null;
}
