/**
 * What reaches sympy 1.14's `parse_expr` in the official grader, as a tree: Python's precedence with implicit multiplication. The
 * reference allows two distinct letters besides `sqrt` and `frac`, so few functions can be called.
 */
import { NotAnExpression, pythonTokens, type PythonToken } from './python-tokens.ts';
import { add, fraction, integer, type Rational } from '../algebra/rational.ts';
import { floatLiteral, type SympyNumber } from './sympy-number.ts';

export { NotAnExpression } from './python-tokens.ts';

export type FunctionName = 'ln' | 'frac' | 're' | 'im' | 'factorial' | 'factorial2';
export type BinaryKind = 'add' | 'multiply' | 'divide' | 'power' | 'floor' | 'equal' | 'unequal';
export type Expression =
  | { kind: 'number'; value: SympyNumber }
  | { kind: 'symbol'; name: string }
  | { kind: 'constant'; name: 'pi' | 'i' }
  | { kind: BinaryKind; left: Expression; right: Expression }
  | { kind: 'negate'; operand: Expression }
  | { kind: 'call'; name: FunctionName; argument: Expression };

const MAX_DEPTH = 300;
/** Each is decided on its own, with all those inside of it. */
const MAX_COMPARISONS = 4;
const HALF: Expression = { kind: 'number', value: { num: 1n, den: 2n } };

export function parsePythonExpression(text: string): Expression {
  return new PythonParser(pythonTokens(text)).parse();
}

class PythonParser {
  readonly #tokens: readonly PythonToken[];
  #position = 0;
  #depth = 0;
  #comparisons = 0;
  /** Where a bracket follows a whole name: `n(2)` is a product, and `n(2)!` a mistake, since only the bracket becomes a factorial. */
  #calledAt = -1;

  constructor(tokens: readonly PythonToken[]) {
    this.#tokens = tokens;
  }

  parse(): Expression {
    const value = this.#comparison();
    if (this.#position < this.#tokens.length) throw new NotAnExpression(`at ${this.#position}`);
    return value;
  }

  #take(operator: string): boolean {
    if (!this.#sees(operator)) return false;
    this.#position += 1;
    return true;
  }

  #sees(operator: string): boolean {
    const token = this.#tokens[this.#position];
    return token?.kind === 'operator' && token.text === operator;
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new NotAnExpression('nesting too deep');
    const result = read();
    this.#depth -= 1;
    return result;
  }

  /** A comparison is a number in Python, 1 or 0, and a chain of them is 1 when all are. */
  #comparison(): Expression {
    let left = this.#sum();
    let all: Expression | null = null;
    for (;;) {
      const kind = this.#take('==') ? 'equal' : this.#take('!=') ? 'unequal' : null;
      if (kind === null) return all ?? left;
      this.#comparisons += 1;
      if (this.#comparisons > MAX_COMPARISONS) throw new NotAnExpression('too many comparisons');
      const right = this.#sum();
      const link: Expression = { kind, left, right };
      all = all === null ? link : { kind: 'multiply', left: all, right: link };
      left = right;
    }
  }

  #sum(): Expression {
    let left = this.#product();
    for (;;) {
      if (this.#take('+')) left = { kind: 'add', left, right: this.#product() };
      else if (this.#take('-')) left = { kind: 'add', left, right: { kind: 'negate', operand: this.#product() } };
      else return left;
    }
  }

  #product(): Expression {
    let left = this.#signed();
    for (;;) {
      if (this.#take('*')) left = { kind: 'multiply', left, right: this.#signed() };
      else if (this.#take('//')) left = { kind: 'floor', left, right: this.#signed() };
      else if (this.#take('/')) left = { kind: 'divide', left, right: this.#signed() };
      else if (this.#startsOperand()) left = { kind: 'multiply', left, right: this.#power() };
      else return left;
    }
  }

  #startsOperand(): boolean {
    const token = this.#tokens[this.#position];
    return token !== undefined && !token.broken && (token.kind !== 'operator' || token.text === '(');
  }

  #signed(): Expression {
    return this.#nested(() => {
      if (this.#take('-')) return { kind: 'negate', operand: this.#signed() };
      return this.#take('+') ? this.#signed() : this.#power();
    });
  }

  #power(): Expression {
    const base = this.#postfix();
    return this.#take('**') ? { kind: 'power', left: base, right: this.#signed() } : base;
  }

  #postfix(): Expression {
    const called = this.#position === this.#calledAt;
    const value = this.#atom();
    let marks = 0;
    while (this.#take('!')) marks += 1;
    if (marks > 2 || (marks > 0 && called)) throw new NotAnExpression('misplaced factorial sign');
    if (marks === 0) return value;
    return { kind: 'call', name: marks === 1 ? 'factorial' : 'factorial2', argument: value };
  }

  #bracket(isCall = false): Expression {
    return this.#nested(() => {
      const value = this.#comparison();
      if (isCall) this.#take(','); // Python allows one behind the last argument
      if (!this.#take(')')) throw new NotAnExpression('bracket not closed');
      return value;
    });
  }

  #atom(): Expression {
    if (this.#take('(')) return this.#bracket();
    const token = this.#tokens[this.#position];
    if (token === undefined || token.kind === 'operator') throw new NotAnExpression(`at ${this.#position}`);
    this.#position += 1;
    switch (token.kind) {
      case 'number':
        return readNumber(token.text);
      case 'digits':
        return { kind: 'number', value: integer(BigInt(token.text)) };
      case 'symbol':
        this.#calledAt = this.#position;
        return { kind: 'symbol', name: token.text };
      case 'letter':
        return { kind: 'symbol', name: token.text };
      case 'constant':
        return { kind: 'constant', name: 'pi' };
      default:
        return this.#call(token.text);
    }
  }

  /** f(x), and sympy's f^2(x) for the square of it. */
  #call(name: string): Expression {
    const exponent = this.#take('**') ? this.#nested(() => this.#postfix()) : null;
    if (!this.#take('(')) throw new NotAnExpression('argument missing');
    const argument = this.#bracket(true);
    const value: Expression =
      name === 'sqrt'
        ? { kind: 'power', left: argument, right: HALF }
        : { kind: 'call', name: name as FunctionName, argument };
    return exponent === null ? value : { kind: 'power', left: value, right: exponent };
  }
}

function readNumber(text: string): Expression {
  const imaginary = text.endsWith('j');
  const digits = (imaginary ? text.slice(0, -1) : text).replaceAll('_', '');
  const value: Expression = { kind: 'number', value: numberValue(digits) };
  return imaginary ? { kind: 'multiply', left: value, right: { kind: 'constant', name: 'i' } } : value;
}

function numberValue(text: string): SympyNumber {
  if (/^(?:\d+|0[xbo].*)$/.test(text)) return integer(BigInt(text));
  const repeating = /^(\d*)\.(\d*)\[(\d+)\]$/.exec(text);
  if (repeating !== null)
    return repeatingDecimal(repeating[1] as string, repeating[2] as string, repeating[3] as string);
  const [digits, exponentText] = text.split('e') as [string, string?];
  const [whole, decimals = ''] = digits.split('.') as [string, string?];
  const exponent = Number(exponentText ?? 0) - decimals.length;
  if (Math.abs(exponent) > 1000) throw new NotAnExpression('number out of range');
  const power = 10n ** BigInt(Math.abs(exponent));
  const mantissa = BigInt(`${whole}${decimals}`);
  const value = exponent >= 0 ? integer(mantissa * power) : (fraction(mantissa, power) as Rational);
  return floatLiteral(text, value);
}

/** sympy's 0.2[1] = 0.2111... */
function repeatingDecimal(whole: string, decimals: string, period: string): Rational {
  const scale = 10n ** BigInt(decimals.length);
  const head = fraction(BigInt(`${whole}${decimals}` || '0'), scale) as Rational;
  return add(head, fraction(BigInt(period), scale * (10n ** BigInt(period.length) - 1n)) as Rational);
}
