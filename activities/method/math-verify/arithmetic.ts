/**
 * Plain arithmetic as Python reads it: `parse_expr(text, evaluate=False)` on what `lazy_expr_regex` can match, which is digits,
 * points, white space, brackets and + - * / ^ × ÷. What Python cannot read (`2 3`, `2(3)`, `05`, `1.2.3`, ×) has no value.
 */
import { negative, numberOfText, power, product, sum } from './build.ts';
import { MINUS_ONE_TREE, Unparsable, node, number, type Tree } from './tree.ts';
import { integer } from '../algebra/rational.ts';

const MAX_LENGTH = 500;
const MAX_DEPTH = 60;
/** `0` may be repeated, but no other integer begins with one. */
const TOKEN = /\s*(?:(\d+\.\d*|\.\d+|0+(?!\d)|[1-9]\d*)|(\*\*|\/\/|[-+*/()]))/y;

/** The value of the text; null when Python would not read it. */
export function parseArithmetic(source: string): Tree | null {
  const text = source.replaceAll('\n', ' ').replaceAll('^', '**').trim();
  if (text.length > MAX_LENGTH || /[^\d.\s\-+*/()]/.test(text)) return null;
  try {
    return new ArithmeticParser(tokensOf(text)).parse();
  } catch (error) {
    if (error instanceof Unparsable) return null;
    throw error;
  }
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw new Unparsable(`character ${at}`);
    tokens.push(match[1] ?? match[2] ?? '');
  }
  return tokens;
}

class ArithmeticParser {
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  parse(): Tree {
    const value = this.#sum();
    if (this.#at < this.#tokens.length) throw new Unparsable('operator missing');
    return value;
  }

  #take(...options: string[]): string | null {
    const token = this.#tokens[this.#at];
    if (token === undefined || !options.includes(token)) return null;
    this.#at += 1;
    return token;
  }

  #sum(): Tree {
    let value = this.#product();
    for (let sign = this.#take('+', '-'); sign !== null; sign = this.#take('+', '-')) {
      const right = this.#product();
      value = sum(value, sign === '+' ? right : product(MINUS_ONE_TREE, right));
    }
    return value;
  }

  #product(): Tree {
    let value = this.#signed();
    for (let sign = this.#take('*', '/', '//'); sign !== null; sign = this.#take('*', '/', '//')) {
      const right = this.#signed();
      if (sign === '//') value = node('apply', [product(value, power(right, MINUS_ONE_TREE))], 'floor');
      else value = product(value, sign === '*' ? right : power(right, MINUS_ONE_TREE));
    }
    return value;
  }

  #signed(): Tree {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new Unparsable('nesting too deep');
    const sign = this.#take('+', '-');
    const value = sign === null ? this.#power() : this.#signed();
    this.#depth -= 1;
    return sign === '-' ? negative(value) : value;
  }

  #power(): Tree {
    const base = this.#atom();
    return this.#take('**') === null ? base : power(base, this.#signed());
  }

  #atom(): Tree {
    if (this.#take('(') !== null) {
      const value = this.#sum();
      if (this.#take(')') === null) throw new Unparsable('bracket not closed');
      return value;
    }
    const token = this.#tokens[this.#at];
    if (token === undefined || !/[\d.]/.test(token)) throw new Unparsable('operand missing');
    this.#at += 1;
    return /^0+$/.test(token) ? number(integer(0)) : numberOfText(token);
  }
}
