/**
 * The clean-up before LaTeX is parsed: `normalize_latex` of latex2sympy2_extended 1.10.1 (math_normalization.py) under the
 * configuration of math_verify's LatexExtractionConfig (basic_latex, units, malformed_operators, nits, boxed). Step for step with
 * its slips: `\sqrt(2)` gets a second backslash, " percent" two of them, and of its hundred units only " m east" can match.
 */
import { boxedContents } from './boxes.ts';
import { pythonStrip } from '../official/python-text.ts';

const LEFT =
  /\\m?left(\\\{|\{|\\\||\||\[|\(|\\rbracl|\\lgroup|\\lbrace|\\lbrack|\\vert|\\lvert|\\lceil|\\lfloor|\\langle|\\llcorner|\\ulcorner)/g;
const RIGHT =
  /\\m?right(\\\}|\}|\\\||\||\]|\)|\\rbrack|\\rgroup|\\rbrace|\\vert|\\rvert|\\rceil|\\rfloor|\\rangle|\\lrcorner|\\urcorner)/g;
const PERMUTATION = /\(([a-zA-Z0-9+\-*/\\ ]+?)\)_\{([a-zA-Z0-9+\-*/\\ ]+?)\}/g;
const REMOVED = /\\mathrm\{th\}|\\!\s*|\\text\s*\{\s*\}|\\\$|\$|(?<!\\)["']|\\displaystyle/g;
const UNIT_AT_END = /(\\(?:text|mbox)\{.*?\})(\^\d|\{\^\d\})?$/;
const EAST = / m east(?:s|es)?(?:$|\W)/g;

/** Longer texts are kept as they are: the replacements are quadratic in runs of spaces, and the parser would not read them. */
const MAX_LENGTH = 1000;

/** Pattern and replacement, tried in this order at every place. */
const REPLACED: readonly (readonly [string, string])[] = [
  ['\\\\math(?:rm|it|bf)', '\\text'],
  ['\\\\text(?:normal|bf|it|rm)', '\\text'],
  ['\\\\(?:d|t|c)frac', '\\frac'],
  ['\\s\\.', ' 0.'],
  ['\\{\\.', '{0.'],
  ['~=', '\\approx'],
  ['\\s*\\{\\s*,\\s*\\}', ','],
  ['(?<![a-zA-Z]),?\\s*(?:and|or)(?![a-zA-Z])', ','],
  [',?\\s*\\\\text\\{\\s*(?:and|or)\\s*\\}', ','],
  ['(?<!\\\\)\\\\\\s', ' '],
  ['infinity', '\\infty'],
  [',?\\\\ldots', ' '],
  ['\\s*percent', '\\\\%'],
  ['\\\\text\\{percent\\}', '\\\\%'],
  ['(?<!\\\\)inf(?!inity)', '\\infty'],
  [' sqrt', '\\sqrt'],
];
const REPLACEMENT = new RegExp(REPLACED.map(([pattern]) => `(${pattern})`).join('|'), 'g');

function replaceEach(text: string): string {
  return text.replace(REPLACEMENT, (...match: unknown[]) => {
    const group = REPLACED.findIndex((_, index) => match[index + 1] !== undefined);
    return REPLACED[group]?.[1] ?? '';
  });
}

function basicLatex(source: string): string {
  let text = source.replaceAll('\\mathrm{T}', 'T').replaceAll('\\mathrm{d}', 'd').replaceAll('{\\rm d}', 'd');
  text = text
    .replaceAll('\\left[\\begin{matrix}', '\\begin{bmatrix}')
    .replaceAll('\\end{matrix}\\right]', '\\end{bmatrix}');
  text = text.replace(LEFT, '$1').replace(RIGHT, '$1').replace(PERMUTATION, '\\frac{($1)!}{(($1)-($2))!}');
  text = replaceEach(text.replace(REMOVED, '')).replace(/[\n\t]/g, ' ');
  return text.includes('matrix') ? text : text.replace(/\\\\(?=[a-zA-Z])/g, '\\');
}

function withoutUnits(source: string): string {
  const stripped = pythonStrip(source.replace(UNIT_AT_END, ''));
  let text = stripped === '' ? source : stripped;
  for (let round = 0; round < 2; round += 1) text = text.replace(EAST, '') || text;
  return text.replace(/\\text\s*\{\s*\}/g, ' ');
}

function malformedOperators(source: string): string {
  const text = source
    .replace(/\^\s?\((.*?)\)/g, '^{$1}')
    .replace(/sqrt\s?\((.*?)\)/g, '\\sqrt{$1}')
    .replace(/\\frac\s?(\p{Nd})\s?(\p{Nd}+)/gu, '\\frac{$1}{$2}')
    .replace(/\\log_\s?(\p{Nd})\s?(\p{Nd}+)/gu, '\\log_{$1}{$2}')
    .replace(/\\frac\s?\{(.*?)\}\s?(\p{Nd})/gu, '\\frac{$1}{$2}')
    .replace(/\\frac\s?(\p{Nd})\s?\{(.*?)\}/gu, '\\frac{$1}{$2}')
    .replace(/\\sqrt\s?(\p{Nd})/gu, '\\sqrt{$1}')
    .replaceAll(' sqrt', '\\sqrt');
  return slashFraction(fractionBraces(rootBraces(text)));
}

/** `\sqrt x` → `\sqrt{x}`. */
function rootBraces(text: string): string {
  const [head = '', ...parts] = text.split('\\sqrt');
  return parts.reduce((result, part) => {
    const body = part.trimStart();
    const bare = body !== '' && body[0] !== '{' && body[0] !== '[';
    return `${result}\\sqrt${bare ? `{${body.charAt(0)}}${body.slice(1)}` : body}`;
  }, head);
}

/** `\frac12`, `\frac1{2}` → `\frac{1}{2}`; a truncated one leaves the text as it was. */
function fractionBraces(text: string): string {
  const [head = '', ...parts] = text.split('\\frac');
  let result = head;
  for (const part of parts) {
    const body = part.trimStart();
    if (body[0] === '{') result += `\\frac${body}`;
    else if (body.length < 2) return text;
    else if (body[1] === '{') result += `\\frac{${body.charAt(0)}}${body.slice(1)}`;
    else result += `\\frac{${body.charAt(0)}}{${body.charAt(1)}}${body.slice(2)}`;
  }
  return result;
}

function slashFraction(text: string): string {
  return text.replace(/^(0|-?[1-9]\d*)\/(0|-?[1-9]\d*)$/, '\\frac{$1}{$2}');
}

/** `boxed` is `last` for a bare box, `all` for what stands between delimiters. */
export function normalizeLatex(source: string, boxed: 'last' | 'all'): string {
  const content = boxedContents(source, boxed);
  if (content.length > MAX_LENGTH) return pythonStrip(content);
  let text = withoutUnits(basicLatex(content));
  if (text.startsWith('.')) text = `0${text}`;
  if (text === '0.5') text = '\\frac{1}{2}';
  return pythonStrip(malformedOperators(text));
}
