/**
 * Python's tokens as sympy 1.14's `parse_expr` rewrites them: names that mean nothing are split into letters and digits, which multiply one by
 * one (`1/xy` is y/x, `xy^2` is x times y²), except before `!`, which takes the whole name.
 */

/** Text that Python or sympy would refuse, or that is beyond the bounds here. Control flow inside of the grader. */
export class NotAnExpression extends Error {
  override readonly name = 'NotAnExpression';
}

export interface PythonToken {
  /** `letter` and `digits` are pieces of a name, `symbol` is a whole one, `name` is a callable. */
  kind: 'number' | 'digits' | 'symbol' | 'letter' | 'constant' | 'name' | 'operator';
  text: string;
  /** After a line break two operands do not multiply. */
  broken: boolean;
}

type Piece = Pick<PythonToken, 'kind' | 'text'>;

const DIGITS = '[0-9](?:_?[0-9])*';
const EXPONENT = `[eE][-+]?${DIGITS}`;
/** The order decides: 3j, floats, 0x1f, 0b11, 0o7, then decimals, where 05 reads as 0 and 5. */
const NUMBER = new RegExp(
  `(?:(?:${DIGITS}\\.(?:${DIGITS})?|\\.${DIGITS})(?:${EXPONENT})?|${DIGITS}${EXPONENT}|${DIGITS}(?=j))j?` +
    '|0x(?:_?[0-9a-f])+|0b(?:_?[01])+|0o(?:_?[0-7])+|0(?:_?0)*|[1-9](?:_?[0-9])*',
  'y',
);
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{N}_]*/uy;
const SPACE = /[ \f\t]+/y;
const OPERATOR = /\*\*|\/\/|[=!]=|[-+*/()^!,]/y;
/** Names that mean something else than letters: Python's keywords, and what sympy or Python call functions or infinities. */
const REFUSED = new Set('if in is or as all csc eye ff fft fu gff hn1 hn2 id jn li ntt rf yn nan oo zoo'.split(' '));
const CALLABLE = new Set(['sqrt', 'ln', 'frac', 're', 'im']);
/** Greek letters with two or fewer distinct letters in their names; longer ones never get this far. */
const UNSPLIT = new Set(['mu', 'nu', 'xi']);
const PERIOD = /\[([0-9]+)\]/y;
/** Digits of other scripts are digits to Python and no numbers to sympy. */
const FOREIGN_DIGIT = /^(?![0-9])[\p{Nd}²³¹⁰⁴-⁹₀-₉]/u;

export function pythonTokens(text: string): PythonToken[] {
  const tokens: PythonToken[] = [];
  let position = 0;
  let broken = false;
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = position;
    const found = pattern.exec(text)?.[0] ?? null;
    position += found?.length ?? 0;
    return found;
  };
  const push = (kind: PythonToken['kind'], token: string): void => {
    tokens.push({ kind, text: token, broken });
    broken = false;
  };
  while (position < text.length) {
    if (match(SPACE) !== null) continue;
    if (text[position] === '\n') {
      position += 1;
      broken = true;
      continue;
    }
    const number = match(NUMBER);
    if (number !== null) {
      if (number.length > 600) throw new NotAnExpression('number too long');
      push('number', /^[0-9]*\.[0-9]*$/.test(number) ? number + (match(PERIOD) ?? '') : number);
      continue;
    }
    const name = match(NAME);
    if (name !== null) {
      for (const token of named(name, text[position] === '!' && text[position + 1] !== '='))
        push(token.kind, token.text);
      continue;
    }
    const operator = match(OPERATOR);
    if (operator === null) throw new NotAnExpression(`at ${position}`);
    push('operator', operator === '^' ? '**' : operator);
  }
  return tokens;
}

function named(name: string, whole: boolean): Piece[] {
  if (REFUSED.has(name)) throw new NotAnExpression(name);
  if (CALLABLE.has(name)) return [{ kind: 'name', text: name }];
  if (name === 'pi') return [{ kind: 'constant', text: name }];
  if (name.includes('_') || UNSPLIT.has(name) || Array.from(name).length === 1) return [{ kind: 'symbol', text: name }];
  const pieces = [...name.matchAll(/[0-9]+|./gu)].map(([text]): Piece => {
    if (FOREIGN_DIGIT.test(text)) throw new NotAnExpression(text);
    return { kind: /^[0-9]/.test(text) ? 'digits' : 'letter', text };
  });
  return whole ? [{ kind: 'operator', text: '(' }, ...pieces, { kind: 'operator', text: ')' }] : pieces;
}
