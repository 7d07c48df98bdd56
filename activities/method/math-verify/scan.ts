/**
 * The plain numbers and arithmetic that the reference finds in text: `lazy_expr_regex` of math_verify/parser.py (0.7.0), by hand.
 * A backtracking expression would be cubic in a run of digits and spaces; here each start costs the run at most once.
 */
import { isPythonSpace } from '../official/python-text.ts';

/** What a match of the expression yields, in the reference's groups. */
export interface ExpressionMatch {
  readonly kind: 'expression';
  readonly start: number;
  readonly end: number;
  /** Arithmetic with an operator, or '' when a number matched. */
  readonly expression: string;
  readonly integer: string;
  readonly decimal: string;
  readonly percent: boolean;
}

const CURRENCY = new Set('$€£¥₹₽₪₩₫฿₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₴₵₶₷₸₹₺₻₼₽₾₿');
const OPERATORS = new Set('+-*×/^()÷');
const DIGIT = /\p{Nd}/u;
const PERCENT_WORD = /%|[Pp]ercent|[Pp]ct/y;

export function isDigit(character: string): boolean {
  return (character >= '0' && character <= '9') || (character > '\x7f' && DIGIT.test(character));
}

/** `\s` of Python; the common characters are told apart without a regular expression. */
export function isSpace(character: string): boolean {
  return (character <= ' ' || character > '~') && isPythonSpace(character);
}

/** Steps a text may cost; beyond them the rest of it holds no match. */
export class Budget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  get spent(): boolean {
    return this.#left <= 0;
  }

  charge(steps: number): void {
    this.#left -= steps;
  }
}

export class ExpressionScanner {
  readonly #text: string;
  readonly #budget: Budget;

  constructor(text: string, budget: Budget) {
    this.#text = text;
    this.#budget = budget;
  }

  /** All matches of the arithmetic, or of the numbers, from left to right, as `finditer` gives them. */
  all(candidates: (start: number) => Iterable<ExpressionMatch>): ExpressionMatch[] {
    const found: ExpressionMatch[] = [];
    for (let start = 0; start < this.#text.length && !this.#budget.spent;) {
      const character = this.#text.charAt(start);
      this.#budget.charge(0.1);
      const mayStart = start === 0 || character === '=' || isSpace(character);
      if (mayStart) this.#budget.charge(2);
      const match = mayStart ? first(candidates(start)) : null;
      if (match !== null) {
        found.push(match);
        this.#budget.charge(20);
      }
      start = match === null ? start + 1 : match.end;
    }
    return found;
  }

  /** expr_or_number: arithmetic first, then numbers, each in the order in which the expression would try them. */
  *either(start: number): Iterable<ExpressionMatch> {
    yield* this.arithmetic(start);
    yield* this.numbers(start);
  }

  /** Ends of `(?:^|\s|=)(?:\*\*)?` at a place. */
  *#prefixes(start: number): Iterable<number> {
    const character = this.#text.charAt(start);
    const bodies = start === 0 ? [0] : [];
    if (character === '=' || (character !== '' && isSpace(character))) bodies.push(start + 1);
    for (const body of bodies) {
      if (this.#text.startsWith('**', body)) yield body + 2;
      yield body;
    }
  }

  *arithmetic(start: number): Iterable<ExpressionMatch> {
    const text = this.#text;
    for (const open of this.#prefixes(start)) {
      let digit = open;
      if (text[digit] === '-') digit += 1;
      if (text[digit] === '(') digit += 1;
      if (text[digit] === '-') digit += 1;
      if (!isDigit(text.charAt(digit))) continue;
      let end = digit + 1;
      let operator = -1; // the first one after the digit; an operand must follow one
      for (; end < text.length; end += 1) {
        const character = text.charAt(end);
        if (OPERATORS.has(character)) operator = operator === -1 ? end : operator;
        else if (!isDigit(character) && character !== '.' && !isSpace(character)) break;
      }
      this.#budget.charge(end - digit);
      if (operator === -1) continue;
      for (let stop = end; stop >= operator + 2; stop -= 1) {
        this.#budget.charge(1);
        if (this.#budget.spent) return;
        for (const close of text[stop] === ')' ? [stop + 1, stop] : [stop]) {
          const matchEnd = this.#suffix(close);
          if (matchEnd === -1) continue;
          const expression = text.slice(open, close);
          yield { kind: 'expression', start, end: matchEnd, expression, integer: '', decimal: '', percent: false };
        }
      }
    }
  }

  /** End of `(?:\*\*)?(?:[.,:\s)$]|$)` at a place, or -1. */
  #suffix(place: number): number {
    const text = this.#text;
    for (const at of text.startsWith('**', place) ? [place + 2, place] : [place]) {
      const character = text.charAt(at);
      if (character === '') return at;
      if ('.,:)$'.includes(character) || isSpace(character)) return at + 1;
    }
    return -1;
  }

  *numbers(start: number): Iterable<ExpressionMatch> {
    for (const prefix of this.#prefixes(start)) {
      const options = CURRENCY.has(this.#text.charAt(prefix)) ? [prefix + 1, prefix] : [prefix];
      for (const place of options) {
        if (place > 0 && isDigit(this.#text.charAt(place - 1))) continue;
        for (const { from, whole, end } of this.#numberSpans(place)) {
          this.#budget.charge(1);
          if (this.#budget.spent) return;
          const integer = this.#text.slice(from, whole);
          const decimal = this.#text.slice(whole, end);
          const percent = this.#percent(end);
          if (percent !== -1)
            yield { kind: 'expression', start, end: percent, expression: '', integer, decimal, percent: true };
          yield { kind: 'expression', start, end, expression: '', integer, decimal, percent: false };
        }
      }
    }
  }

  /** The four formats of number_re at a place: thousands, decimals, bare decimals, integers; longest first. */
  *#numberSpans(from: number): Iterable<{ from: number; whole: number; end: number }> {
    const text = this.#text;
    const digits = from + (text[from] === '-' ? 1 : 0);
    const whole = this.#digitsEnd(digits);
    yield* this.#thousands(from, digits, whole);
    if (whole > digits && (text[whole] === '.' || text[whole] === ',')) {
      for (let end = this.#digitsEnd(whole + 1); end > whole + 1; end -= 1) yield { from, whole, end };
    }
    if (text[from] === '.') {
      for (let end = this.#digitsEnd(from + 1); end > from + 1; end -= 1) yield { from, whole: from, end };
    }
    for (let end = whole; end > digits; end -= 1) yield { from, whole: end, end };
  }

  *#thousands(from: number, digits: number, whole: number): Iterable<{ from: number; whole: number; end: number }> {
    const text = this.#text;
    if (!/[1-9]/.test(text.charAt(digits)) || whole - digits > 3) return;
    const ends: number[] = [];
    for (let end = whole; ;) {
      if (text[end] !== ' ' && text[end] !== ',') break;
      if (![1, 2, 3].every((k) => isDigit(text.charAt(end + k)))) break;
      end += 4;
      ends.push(end);
    }
    for (const group of ends.toReversed()) {
      if (text[group] === '.') {
        for (let end = this.#digitsEnd(group + 1); end > group + 1; end -= 1) yield { from, whole: group, end };
      }
      yield { from, whole: group, end: group };
    }
  }

  #digitsEnd(from: number): number {
    let end = from;
    while (end < this.#text.length && isDigit(this.#text.charAt(end))) end += 1;
    this.#budget.charge(end - from);
    return end;
  }

  /** End of a percent sign or word after white space, or -1. */
  #percent(from: number): number {
    let at = from;
    while (at < this.#text.length && isSpace(this.#text.charAt(at))) at += 1;
    this.#budget.charge(at - from);
    PERCENT_WORD.lastIndex = at;
    const word = PERCENT_WORD.exec(this.#text)?.[0];
    return word === undefined ? -1 : at + word.length;
  }
}

export function first<T>(items: Iterable<T>): T | null {
  for (const item of items) return item;
  return null;
}
