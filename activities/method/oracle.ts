/**
 * Ground truth for questions that are one arithmetic expression, computed exactly. It audits pseudo-labels and never reaches
 * training. Strict: a question with anything beside the expression has no computed truth.
 */
import {
  add,
  bits,
  format,
  fraction,
  integer,
  invert,
  isInteger,
  multiply,
  negate,
  parseDecimal,
  subtract,
  type Rational,
} from './algebra/rational.ts';

const MAX_LENGTH = 400;
const MAX_DEPTH = 60;
const MAX_BITS = 4096;

const LEAD =
  /^(?:what\s+is|what's|compute|calculate|evaluate|find(?:\s+the\s+value\s+of)?|determine(?:\s+the\s+value\s+of)?)(?:\s+the\s+value\s+of)?\s*:?\s+/i;
/** What may follow the expression, from the end: `= ? .` and the like, each at most once. */
const TAIL = [['.', '?'], ['?'], ['=']];

/** The value as `7` or `-3/2` in lowest terms; null when the question is not an arithmetic expression, or has no value. */
export function computeTruth(question: string): { value: string } | null {
  const text = expressionIn(question);
  const value = text === null ? null : new Arithmetic(normalise(text)).evaluate();
  return value === null ? null : { value: format(value) };
}

/** What a question asks the value of, as it stands: `3/4 + 5` in "What is 3/4 + 5?"; null when it is too long. */
export function expressionIn(question: string): string | null {
  if (question.length > MAX_LENGTH) return null;
  // Single spaces: runs of them make regular expressions slow.
  return withoutTail(question.replace(/\s+/g, ' ').trim().replace(LEAD, ''));
}

function withoutTail(text: string): string {
  let rest = text.trimEnd();
  for (const marks of TAIL) if (marks.includes(rest.at(-1) ?? '')) rest = rest.slice(0, -1).trimEnd();
  return rest;
}

function normalise(text: string): string {
  return text.replace(/[×·⋅]/g, '*').replace(/÷/g, '/').replace(/[−–]/g, '-').replace(/\*\*/g, '^');
}

/** Recursive descent over + - * / ^ ( ) and decimal numbers; null anywhere means that there is no value. */
class Arithmetic {
  readonly #text: string;
  #position = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  evaluate(): Rational | null {
    const value = this.#sum();
    this.#skipSpace();
    return this.#position === this.#text.length ? value : null;
  }

  #skipSpace(): void {
    while (
      this.#text[this.#position] === ' ' ||
      this.#text[this.#position] === '\t' ||
      this.#text[this.#position] === '\n'
    ) {
      this.#position += 1;
    }
  }

  #take(characters: string): string | null {
    this.#skipSpace();
    const next = this.#text[this.#position];
    if (next === undefined || !characters.includes(next)) return null;
    this.#position += 1;
    return next;
  }

  #sum(): Rational | null {
    let value = this.#product();
    for (let sign = this.#take('+-'); sign !== null; sign = this.#take('+-')) {
      const right = this.#product();
      if (value === null || right === null) return null;
      value = bounded(sign === '+' ? add(value, right) : subtract(value, right));
    }
    return value;
  }

  #product(): Rational | null {
    let value = this.#signed();
    for (let operator = this.#take('*/'); operator !== null; operator = this.#take('*/')) {
      const right = this.#signed();
      const factor = right !== null && operator === '/' ? invert(right) : right;
      if (value === null || factor === null) return null;
      value = bounded(multiply(value, factor));
    }
    return value;
  }

  /** -2^2 is -(2^2). */
  #signed(): Rational | null {
    let negative = false;
    for (let sign = this.#take('+-'); sign !== null; sign = this.#take('+-')) negative = negative !== (sign === '-');
    const value = this.#power();
    return negative && value !== null ? negate(value) : value;
  }

  #power(): Rational | null {
    const base = this.#atom();
    if (this.#take('^') === null) return base;
    if ((this.#depth += 1) > MAX_DEPTH) return null;
    const exponent = this.#signed(); // right-associative, as written: 2^3^2 = 2^9
    this.#depth -= 1;
    return base === null || exponent === null ? null : raise(base, exponent);
  }

  #atom(): Rational | null {
    if (this.#take('(') !== null) {
      if ((this.#depth += 1) > MAX_DEPTH) return null;
      const value = this.#sum();
      this.#depth -= 1;
      return this.#take(')') === null ? null : value;
    }
    this.#skipSpace();
    const number = /^(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|^\.\d+/.exec(this.#text.slice(this.#position))?.[0];
    if (number === undefined) return null;
    this.#position += number.length;
    return parseDecimal(number.replaceAll(',', ''));
  }
}

function bounded(value: Rational): Rational | null {
  return bits(value) > MAX_BITS ? null : value;
}

function raise(base: Rational, exponent: Rational): Rational | null {
  if (!isInteger(exponent)) return null;
  const size = exponent.num < 0n ? -exponent.num : exponent.num;
  if (base.num === 0n) return exponent.num > 0n ? base : null; // 0^0 and 0^-1 have no agreed value
  if (base.den === 1n && (base.num === 1n || base.num === -1n)) return integer(size % 2n === 0n ? 1n : base.num);
  if (size > BigInt(MAX_BITS)) return null;
  if (BigInt(bits(base)) * size > BigInt(8 * MAX_BITS)) return null;
  const power = fraction(base.num ** size, base.den ** size) as Rational;
  return bounded(exponent.num < 0n ? (invert(power) as Rational) : power);
}
