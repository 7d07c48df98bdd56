/**
 * The expressions that reach sympy's `parse_expr` in the official grader: Python syntax with implicit multiplication, where a name that
 * is no function or constant is a product of its letters.
 */
import { NotComparable, type Algebra, type Value } from './algebra.ts';
import { NotAnExpression } from './expression-parser.ts';
import { applyFunction } from './special-functions.ts';
import { integer, parseDecimal } from './rational.ts';

const MAX_DEPTH = 100;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
/** Python's keywords, and short names that are functions in sympy: no value either way. */
const REFUSED = new Set('if in is or as re im li ff rf'.split(' '));

/** The value of a whole expression. Throws `NotAnExpression` for anything sympy would refuse. */
export function parsePythonExpression(text: string, algebra: Algebra): Value {
  return new PythonParser(text, algebra).parse();
}

class PythonParser {
  readonly #text: string;
  readonly #algebra: Algebra;
  #position = 0;
  #depth = 0;

  constructor(text: string, algebra: Algebra) {
    this.#text = text;
    this.#algebra = algebra;
  }

  parse(): Value {
    const value = this.#sum();
    if (this.#position < this.#text.length) throw new NotAnExpression(`at ${this.#position}`);
    return value;
  }

  #take(literal: string): boolean {
    if (!this.#text.startsWith(literal, this.#position)) return false;
    this.#position += literal.length;
    return true;
  }

  #peek(pattern: RegExp): string | null {
    pattern.lastIndex = this.#position;
    return pattern.exec(this.#text)?.[0] ?? null;
  }

  #sum(): Value {
    let value = this.#product();
    for (;;) {
      if (this.#take('+')) value = this.#algebra.add(value, this.#product());
      else if (this.#take('-')) value = this.#algebra.subtract(value, this.#product());
      else return value;
    }
  }

  #product(): Value {
    let value = this.#signed();
    for (;;) {
      if (this.#text.startsWith('**', this.#position)) throw new NotAnExpression('power operator out of place');
      if (this.#take('*')) value = this.#algebra.multiply(value, this.#signed());
      else if (this.#text.startsWith('//', this.#position)) throw new NotAnExpression('floor division');
      else if (this.#take('/')) value = this.#algebra.divide(value, this.#signed());
      else if (this.#peek(NAME) !== null || this.#text[this.#position] === '(') {
        value = this.#algebra.multiply(value, this.#power());
      } else return value;
    }
  }

  #signed(): Value {
    let negative = false;
    for (;;) {
      if (this.#take('-')) negative = !negative;
      else if (!this.#take('+')) break;
    }
    const value = this.#power();
    return negative ? this.#algebra.negate(value) : value;
  }

  #power(): Value {
    let base = this.#atom();
    while (this.#text[this.#position] === '!' && this.#text[this.#position + 1] !== '=') {
      this.#position += 1;
      base = applyFunction(this.#algebra, 'factorial', [base]);
    }
    if (!this.#take('^') && !this.#take('**')) return base;
    return this.#nested(() => this.#algebra.power(base, this.#signed()));
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new NotComparable('nesting too deep');
    const result = read();
    this.#depth -= 1;
    return result;
  }

  #bracket(): Value {
    return this.#nested(() => {
      const value = this.#sum();
      if (!this.#take(')')) throw new NotAnExpression('bracket not closed');
      return value;
    });
  }

  #atom(): Value {
    if (this.#take('(')) return this.#bracket();
    const number = this.#peek(NUMBER);
    if (number !== null) return this.#number(number);
    const name = this.#peek(NAME);
    if (name === null) throw new NotAnExpression(`at ${this.#position}`);
    this.#position += name.length;
    return this.#named(name);
  }

  #number(text: string): Value {
    if (text.length > 600) throw new NotComparable('number too long');
    // Python refuses 05 and takes 00.
    if (/^0\d*[1-9]\d*$/.test(text)) throw new NotAnExpression('leading zero');
    const value = parseDecimal(text);
    if (value === null) throw new NotComparable('number out of range');
    this.#position += text.length;
    return this.#algebra.constant(value);
  }

  #named(name: string): Value {
    const algebra = this.#algebra;
    if (REFUSED.has(name)) throw new NotAnExpression(name);
    if (name === 'sqrt' || name === 'ln') {
      if (!this.#take('(')) throw new NotAnExpression('argument missing');
      const argument = this.#bracket();
      return name === 'sqrt'
        ? algebra.power(argument, algebra.constant({ num: 1n, den: 2n }))
        : applyFunction(algebra, 'ln', [argument]);
    }
    if (name === 'pi') return algebra.atom('pi');
    if (name.includes('_')) return algebra.atom(`symbol:${name}`);
    let product: Value | null = null;
    for (const [piece] of name.matchAll(/\d+|[^\d]/gu)) {
      const factor = /\d/.test(piece) ? algebra.constant(integer(BigInt(piece))) : algebra.atom(`symbol:${piece}`);
      product = product === null ? factor : algebra.multiply(product, factor);
    }
    if (product === null) throw new NotAnExpression(name);
    return product;
  }
}
