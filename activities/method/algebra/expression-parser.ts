/**
 * Reads an answer written in LaTeX or plain text as an exact value. Recursive descent over characters, bounded in nesting. Throws
 * `NotAnExpression` for text that is no formula, `NotComparable` for one beyond the bounds; both stay inside this folder.
 */
import { type Algebra, NotComparable, type Value } from './algebra.ts';
import { LatexCursor } from './latex-cursor.ts';
import { NotAnExpression } from './not-an-expression.ts';
import { ONE, integer, parseDecimal } from './rational.ts';
import { MARK_LENGTH, readRepeating } from './repeating-decimals.ts';
import { applyFunction, FUNCTION_NAMES } from './special-functions.ts';
import { INVERSES, TRIGONOMETRIC } from './trigonometry.ts';

export { NotAnExpression } from './not-an-expression.ts';

const MAX_DEPTH = 60;
const MAX_DIGITS = 600;
const NUMBER =
  /(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+(?![a-zA-Z\d]))?|\.\d+(?:[eE][+-]?\d+(?![a-zA-Z\d]))?/y;
const WORD = /[a-zA-Z]+/y;
const SUBSCRIPT = /_(?:\{[^{}]{1,12}\}|[a-zA-Z\d])/y;
const GREEK = new Set(
  'alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell hbar'.split(
    ' ',
  ),
);
const STARTS_FACTOR = new Set('sqrt pi infty binom dbinom tbinom lfloor lceil'.split(' '));
const BINOMIALS = new Set('binom dbinom tbinom'.split(' '));
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

export class ExpressionParser extends LatexCursor {
  readonly #algebra: Algebra;
  #depth = 0;
  /** Calls of trigonometric functions around the current position: a degree sign counts only there. */
  #angles = 0;

  constructor(text: string, algebra: Algebra) {
    super(text);
    this.#algebra = algebra;
  }

  /** The value of the whole text. */
  parse(): Value {
    const value = this.#sum();
    this.skip();
    if (this.position < this.text.length) throw new NotAnExpression(`at ${this.position}`);
    return value;
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new NotComparable('nesting too deep');
    const result = read();
    this.#depth -= 1;
    return result;
  }

  #sum(): Value {
    let value = this.#product();
    for (;;) {
      if (this.take('+')) value = this.#algebra.add(value, this.#product());
      else if (this.take('-')) value = this.#algebra.subtract(value, this.#product());
      else return value;
    }
  }

  #product(): Value {
    let value = this.#signed();
    for (;;) {
      if (this.take('**')) throw new NotAnExpression('power operator out of place');
      if (this.take('*') || this.takeMacro('cdot', 'times', 'ast'))
        value = this.#algebra.multiply(value, this.#signed());
      else if (this.take('/') || this.takeMacro('div')) value = this.#algebra.divide(value, this.#signed());
      else if (this.#startsFactor(this.text[this.position - 1] === '!')) {
        value = this.#algebra.multiply(value, this.#power());
      } else return value;
    }
  }

  /** Whether a factor may follow without an operator. A number may not: `3 4` is no product. */
  #startsFactor(numbers: boolean): boolean {
    const character = this.next();
    if (character === undefined) return false;
    if (/[a-zA-Z([{√]/.test(character)) return true;
    if (/[\d.]/.test(character)) return numbers;
    const macro = this.macro();
    return (
      macro !== null &&
      (macro.endsWith('frac') || STARTS_FACTOR.has(macro) || GREEK.has(macro) || FUNCTION_NAMES.has(macro))
    );
  }

  #signed(): Value {
    let negative = false;
    for (;;) {
      if (this.take('-')) negative = !negative;
      else if (!this.take('+')) break;
    }
    const value = this.#power();
    return negative ? this.#algebra.negate(value) : value;
  }

  #power(): Value {
    const base = this.#suffixes(this.#atom());
    if (!this.take('^') && !this.take('**')) return base;
    return this.#suffixes(this.#algebra.power(base, this.#exponent()));
  }

  /** Factorials, percent and degree signs behind a value. */
  #suffixes(value: Value): Value {
    let result = value;
    for (;;) {
      const sign = this.next();
      if (sign === '!' && this.text[this.position + 1] !== '=') {
        const double = this.text[this.position + 1] === '!';
        this.position += double ? 2 : 1;
        result = applyFunction(this.#algebra, double ? 'double factorial' : 'factorial', [result]);
      } else if (sign === '%') {
        this.position += 1;
        result = this.#algebra.divide(result, this.#algebra.constant(integer(100)));
      } else if (sign === '°') {
        this.position += 1;
        if (this.#angles === 0) continue;
        const degree = this.#algebra.divide(this.#algebra.atom('pi'), this.#algebra.constant(integer(180)));
        result = this.#algebra.multiply(result, degree);
      } else return result;
    }
  }

  /** Right-associative; braces group, a sign may lead: 2^-1, 2^{x+1}, 2^3^2. */
  #exponent(): Value {
    return this.#nested(() => {
      if (this.next() === '{') {
        const value = this.#atom();
        return this.take('^') ? this.#algebra.power(value, this.#exponent()) : value;
      }
      return this.#signed();
    });
  }

  #group(open: string): Value {
    return this.#nested(() => {
      this.position += open.length;
      const value = this.#sum();
      if (!this.take(CLOSING[open] as string)) throw new NotAnExpression('bracket not closed');
      return value;
    });
  }

  #atom(): Value {
    const character = this.next();
    if (character === undefined) throw new NotAnExpression('operand missing');
    if (character in CLOSING) return this.#group(character);
    if (character === '|') return this.#absolute();
    if (character === '√') {
      this.position += 1;
      return this.#algebra.power(this.#power(), this.#algebra.constant({ num: 1n, den: 2n }));
    }
    if (/[\d.]/.test(character)) return this.#number();
    if (character === '\\') return this.#macroAtom();
    const word = this.peek(WORD);
    if (word === null) throw new NotAnExpression(`unexpected ${character}`);
    return this.#wordAtom(word);
  }

  #absolute(): Value {
    return this.#nested(() => {
      this.position += 1;
      const value = this.#sum();
      if (!this.take('|')) throw new NotAnExpression('bar not closed');
      return applyFunction(this.#algebra, 'abs', [value]);
    });
  }

  #number(): Value {
    const text = this.peek(NUMBER);
    if (text === null) throw new NotAnExpression('number expected');
    if (text.length > MAX_DIGITS) throw new NotComparable('number too long');
    const value = parseDecimal(text.replaceAll(',', ''));
    if (value === null) throw new NotComparable('number out of range');
    const behind = this.text.slice(this.position + text.length, this.position + text.length + MARK_LENGTH);
    const repeating = text.includes('.') ? readRepeating(text, behind) : null;
    this.position += text.length + (repeating?.markLength ?? 0);
    if (repeating === null) return this.#algebra.constant(value);
    const { num, den } = repeating;
    return this.#algebra.divide(this.#algebra.constant(integer(num)), this.#algebra.constant(integer(den)));
  }

  /** A macro's argument: a group, or the one character or macro that follows, as TeX has it: \frac12. */
  #argument(): Value {
    const character = this.next();
    if (character === '{') return this.#group('{');
    if (character !== undefined && /\d/.test(character)) {
      this.position += 1;
      return this.#algebra.constant(integer(Number(character)));
    }
    if (character !== undefined && /[a-zA-Z]/.test(character)) {
      this.position += 1;
      return this.#algebra.atom(character);
    }
    return this.#atom();
  }

  #macroAtom(): Value {
    const name = this.macro();
    if (name === null) throw new NotAnExpression('lone backslash');
    this.position += name.length + 1;
    const algebra = this.#algebra;
    if (['frac', 'dfrac', 'tfrac', 'cfrac'].includes(name)) {
      const top = this.#nested(() => this.#argument());
      return algebra.divide(
        top,
        this.#nested(() => this.#argument()),
      );
    }
    if (BINOMIALS.has(name)) {
      const top = this.#nested(() => this.#argument());
      return applyFunction(algebra, 'binom', [top, this.#nested(() => this.#argument())]);
    }
    if (name === 'sqrt') return this.#root();
    if (name === 'pi') return algebra.atom('pi');
    if (name === 'infty') return algebra.atom('inf');
    if (name === 'lfloor' || name === 'lceil') return this.#rounded(name);
    if (FUNCTION_NAMES.has(name)) return this.#call(name);
    if (GREEK.has(name)) return algebra.atom(`\\${name}${this.#subscript()}`);
    throw new NotAnExpression(`\\${name}`);
  }

  #rounded(name: 'lfloor' | 'lceil'): Value {
    const close = name === 'lfloor' ? 'rfloor' : 'rceil';
    const apply = name === 'lfloor' ? 'floor' : 'ceil';
    const value = this.#nested(() => this.#sum());
    if (!this.takeMacro(close)) throw new NotAnExpression('bracket not closed');
    return applyFunction(this.#algebra, apply, [value]);
  }

  #root(): Value {
    return this.#nested(() => {
      let degree = this.#algebra.constant(integer(2));
      if (this.next() === '[') degree = this.#group('[');
      const exponent = this.#algebra.divide(this.#algebra.constant(ONE), degree);
      return this.#algebra.power(this.#argument(), exponent);
    });
  }

  #subscript(): string {
    const text = this.peek(SUBSCRIPT);
    if (text === null) return '';
    this.position += text.length;
    return `_${text.replace(/[_{}\s]/g, '')}`;
  }

  #wordAtom(word: string): Value {
    const algebra = this.#algebra;
    if (word === 'sqrt') {
      this.position += word.length;
      return this.#root();
    }
    if (word === 'pi' || word === 'inf' || word === 'infinity') {
      this.position += word.length;
      return algebra.atom(word === 'pi' ? 'pi' : 'inf');
    }
    if (FUNCTION_NAMES.has(word)) {
      this.position += word.length;
      return this.#call(word);
    }
    if (word === 'C' && /^C\s?\([^()]{1,40},/.test(this.text.slice(this.position, this.position + 50))) {
      this.position += 1;
      return this.#call('binom');
    }
    // Runs of letters up to three are products of variables; longer ones are words.
    if (word.length > 3) throw new NotAnExpression(word);
    const letter = word.charAt(0);
    this.position += 1;
    if (letter === 'e') return algebra.atom('e');
    if (letter === 'i') return algebra.imaginary();
    return algebra.atom(`${letter}${this.#subscript()}`);
  }

  /** f(x), f x, f^2 x, log_b x. Without brackets the argument is the product that follows, up to the next function: \sin 2x. */
  #call(name: string): Value {
    return this.#nested(() => {
      const base = name === 'log' && this.take('_') ? this.#argument() : null;
      const inverse = TRIGONOMETRIC.has(name) ? this.#inverseMark() : false;
      const power = !inverse && this.take('^') ? this.#exponent() : null;
      this.#angles += TRIGONOMETRIC.has(name) ? 1 : 0;
      const args = this.#callArguments();
      this.#angles -= TRIGONOMETRIC.has(name) ? 1 : 0;
      const known = inverse && INVERSES.has(`arc${name}`) ? `arc${name}` : inverse ? `inverse ${name}` : name;
      const value = applyFunction(this.#algebra, known, args, base);
      return power === null ? value : this.#algebra.power(value, power);
    });
  }

  /** sin^{-1} is the inverse function. */
  #inverseMark(): boolean {
    return this.take('^{-1}') || this.take('^-1');
  }

  #callArguments(): Value[] {
    const escaped = this.take('\\{');
    const open = escaped ? '{' : this.next();
    if (open === '(' || open === '{') {
      this.position += escaped ? 0 : 1;
      const args = [this.#sum()];
      while (this.take(',')) args.push(this.#sum());
      if (!this.take(escaped ? '\\}' : (CLOSING[open] as string))) throw new NotAnExpression('bracket not closed');
      return args;
    }
    if (!this.#startsFactor(true) && open !== '|') throw new NotAnExpression('argument missing');
    let argument = this.#power();
    while (this.#startsFactor(false) && !this.#startsFunction()) {
      argument = this.#algebra.multiply(argument, this.#power());
    }
    return [argument];
  }

  #startsFunction(): boolean {
    const name = this.macro() ?? this.peek(WORD);
    return name !== null && FUNCTION_NAMES.has(name);
  }
}
