/**
 * The two normalisers of mathruler 0.1.0 (Apache-2.0; from PRM800K and Hendrycks' MATH release), rule by rule in their order, for the
 * `official-code` and `paper` presets. Odd rules are the reference's own.
 */
import { latexToText, LatexUnreadable } from './latex-to-text.ts';
import { pythonStrip } from './python-text.ts';

/** `normalize_answer`: Hendrycks' string rules. Where the reference raises, the text stays as it was. */
export function hendrycksForm(answer: string): string {
  let text = pythonStrip(answer);
  const wrapped = /^\\text\{([^\n]+?)\}$/.exec(text)?.[1];
  if (wrapped !== undefined) text = pythonStrip(wrapped);
  return stripString(text) ?? text;
}

/** `_strip_string`; null where the reference raises. */
function stripString(answer: string): string | null {
  let text = answer
    .replaceAll('\n', '')
    .replaceAll('\\!', '')
    .replaceAll('\\\\', '\\')
    .replaceAll('tfrac', 'frac')
    .replaceAll('dfrac', 'frac')
    .replaceAll('\\left', '')
    .replaceAll('\\right', '')
    .replaceAll('^{\\circ}', '')
    .replaceAll('^\\circ', '')
    .replaceAll('\\$', '');
  const unitParts = text.split('\\text{ ');
  if (unitParts.length > 2) return null;
  text = (unitParts[0] as string)
    .replaceAll('\\%', '')
    .replaceAll('%', '')
    .replaceAll(' .', ' 0.')
    .replaceAll('{.', '{0.');
  if (text === '') return text;
  if (text.startsWith('.')) text = `0${text}`;
  const sides = text.split('=');
  if (sides.length === 2 && Array.from(sides[0] as string).length <= 2) text = sides[1] as string;
  const rooted = fixRoots(text);
  if (rooted === null) return null;
  const fractions = fixFractions(rooted.replaceAll(' ', ''));
  if (fractions === null) return null;
  return fixSlash(fractions === '0.5' ? '\\frac{1}{2}' : fractions);
}

/** `\sqrt3` → `\sqrt{3}`; null where the reference indexes past the end. */
function fixRoots(text: string): string | null {
  const [head, ...rest] = text.split('\\sqrt');
  let result = head as string;
  for (const piece of rest) {
    const first = firstCharacter(piece);
    if (first === '') return null;
    result += first === '{' ? `\\sqrt${piece}` : `\\sqrt{${first}}${piece.slice(first.length)}`;
  }
  return result;
}

/** `\frac12` → `\frac{1}{2}`. */
function fixFractions(text: string): string | null {
  const [head, ...rest] = text.split('\\frac');
  let result = head as string;
  for (const piece of rest) {
    result += '\\frac';
    if (piece === '') return null;
    const [top, bottom, ...tail] = Array.from(piece);
    if (top === '{') {
      result += piece;
    } else if (bottom === undefined) {
      return text;
    } else {
      result += bottom === '{' ? `{${top}}${bottom}${tail.join('')}` : `{${top}}{${bottom}}${tail.join('')}`;
    }
  }
  return result;
}

function fixSlash(text: string): string {
  const match = /^(0|-?[1-9]\d*)\/(0|-?[1-9]\d*)$/.exec(text);
  return match === null ? text : `\\frac{${match[1]}}{${match[2]}}`;
}

function firstCharacter(text: string): string {
  const code = text.codePointAt(0);
  return code === undefined ? '' : String.fromCodePoint(code);
}

const UNITS = 'degree cm centimeter meter mile second minute hour day week month year foot feet inch yard'.split(' ');

/** `_normalize`: the second normaliser, PRM800K's. */
export function prm800kForm(answer: string): string {
  let text = /^\\text\{([^\n]+?)\}$/.exec(answer.endsWith('\n') ? answer.slice(0, -1) : answer)?.[1] ?? answer;
  text = text
    .replaceAll('\\%', '%')
    .replaceAll('\\$', '$')
    .replaceAll('$', '')
    .replaceAll('%', '')
    .replaceAll(' or ', ' , ')
    .replaceAll(' and ', ' , ')
    .replaceAll('million', '*10^6')
    .replaceAll('billion', '*10^9')
    .replaceAll('trillion', '*10^12');
  for (const unit of UNITS) text = text.replace(new RegExp(`${unit}(es)?(s)? *(\\^[0-9]+)?`, 'g'), '');
  text = text.replace(/\^ *\\circ/g, '');
  if (text.startsWith('{') && text.endsWith('}')) text = text.slice(1, -1);
  text = text.replace(/,\\! */g, '');
  const value = pythonFloat(text);
  if (value !== null && isNearInteger(value)) text = BigInt(Math.round(value)).toString();
  if (text.includes('\\')) text = readLatex(text);
  text = text
    .replace(/- */g, '-')
    .replace(/([0-9]) +([0-9])/g, '$1+$2')
    .replaceAll(' ', '')
    .replaceAll('{', '')
    .replaceAll('}', '')
    .toLowerCase();
  const plain = pythonFloat(stripGroupingCommas(text));
  if (plain === null || !isNearInteger(plain)) return text;
  const whole = pythonFloat(text.replaceAll(',', ''));
  return whole === null ? text : BigInt(Math.trunc(whole)).toString();
}

/** `_parse_latex`; text that cannot be read stays LaTeX. */
function readLatex(text: string): string {
  try {
    const rendered = latexToText(
      text.replaceAll('\\tfrac', '\\frac').replaceAll('\\dfrac', '\\frac').replaceAll('\\frac', ' \\frac'),
    );
    return pythonStrip(
      rendered
        .replaceAll('√', 'sqrt')
        .replaceAll('π', 'pi')
        .replaceAll('∞', 'inf')
        .replaceAll('∪', 'U')
        .replaceAll('·', '*')
        .replaceAll('×', '*'),
    );
  } catch (error) {
    if (error instanceof LatexUnreadable) return text;
    throw error;
  }
}

/** Python's `float(text)`; null where it raises. Digits may be grouped by single underscores. */
export function pythonFloat(text: string): number | null {
  const trimmed = pythonStrip(text).replace(/(?![0-9])\p{Nd}/gu, decimalDigit);
  if (/^[+-]?(?:inf|infinity)$/i.test(trimmed)) return trimmed.startsWith('-') ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(trimmed)) return Number.NaN;
  const number = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?$/;
  return number.test(trimmed) ? Number(trimmed.replaceAll('_', '')) : null;
}

/** `float` takes the digits of every script. They come in runs of ten, at most places with something else before the run. */
function decimalDigit(character: string): string {
  const code = character.codePointAt(0) as number;
  if (code >= 0x1d7ce && code <= 0x1d7ff) return String((code - 0x1d7ce) % 10);
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1;
  return String(value);
}

/** abs(x - round(x)) <= 1e-7; false for what Python cannot round. */
function isNearInteger(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value - Math.round(value)) <= 1e-7;
}

/** `_str_is_int`. */
export function readsAsInteger(text: string): boolean {
  const value = pythonFloat(stripGroupingCommas(text));
  return value !== null && isNearInteger(value);
}

/** `_strip_properly_formatted_commas`: commas before groups of three digits, repeated until none is left. */
export function stripGroupingCommas(text: string): string {
  let current = text;
  for (;;) {
    const next = current.replace(/(\p{Nd}),(\p{Nd}{3})($|\P{Nd})/gu, '$1$2$3');
    if (next === current) return next;
    current = next;
  }
}
