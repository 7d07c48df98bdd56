/** Contents of the boxes of a text: `extract_boxed_content` of latex2sympy2_extended 1.10.1 (math_normalization.py). */
import { isPythonSpace, pythonStrip } from '../official/python-text.ts';

const SEPARATOR = /and|or|,|;/;

/** Position of the brace that closes the one at `open`, before `limit`; -1 when none does. */
function closingBrace(text: string, open: number, limit: number): number {
  let depth = 1;
  for (let at = open + 1; at < limit; at += 1) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}

/**
 * Boxes from right to left, joined by commas: all of them, or the last one and those tied to it by a comma, `and` or `or` within
 * 70 characters. An unclosed or braceless last box gives the rest of the text; a text without boxes is its own content.
 */
export function boxedContents(text: string, mode: 'last' | 'all'): string {
  const results: string[] = [];
  let limit = text.length;
  let next = -1;
  for (let from = text.length; from > 0;) {
    // A box must lie wholly before the one found last, as with rfind(…, 0, end).
    const boxed = text.lastIndexOf('\\boxed', from - 6);
    const framed = text.lastIndexOf('\\fbox', from - 5);
    const start = Math.max(from >= 6 ? boxed : -1, from >= 5 ? framed : -1);
    if (start < 0) break;
    let open = start + (boxed > framed ? 6 : 5);
    while (open < limit && isPythonSpace(text.charAt(open))) open += 1;
    if (open >= limit) break;
    const close = text[open] === '{' ? closingBrace(text, open, limit) : -1;
    if (close === -1) {
      if (results.length === 0) results.push(text.slice(open));
      break;
    }
    const between = text.slice(close + 1, next);
    if (mode === 'last' && next !== -1 && !(between.length < 70 && SEPARATOR.test(between))) break;
    results.push(pythonStrip(text.slice(open + 1, close)));
    next = start;
    limit = start;
    from = start;
  }
  return results.length === 0 ? text : results.toReversed().join(',');
}
