/**
 * Grammar of functions: the rule func of PS.g4. Sums and products over short ranges and limits where the expression is continuous
 * have values; integrals are read but have none.
 */
import { power, quotient, symbolOf } from './build.ts';
import type { AtomRules } from './atoms.ts';
import { after, before, choice, map, optional, sequence, type Rule } from './outcomes.ts';
import type { TokenRules } from './rules.ts';
import { Unparsable, node, number, type Tree } from './tree.ts';
import { integer } from '../algebra/rational.ts';

const HALF = number({ num: 1n, den: 2n });
const EULER = node('constant', [], 'e');
const INVERSES = /^(?:sin|cos|tan|csc|sec|cot|sinh|cosh|tanh)$/;

/** The rules of terms that functions take for arguments. */
export interface ArgumentRules {
  readonly expression: Rule<Tree>;
  readonly sums: Rule<Tree>;
  readonly products: Rule<Tree>;
  /** Products in which only the first factor may be a function: \sin 2x \cos x. */
  readonly plainProducts: Rule<Tree>;
}

export function functionRules(rules: TokenRules, atoms: AtomRules, terms: ArgumentRules, real: boolean): Rule<Tree> {
  const { token, converted, enclosed, oneOf, textOf } = rules;
  const { atom, letter, braced, superscript, subscript, listed } = atoms;
  const { expression, sums, products, plainProducts } = terms;

  type Marks = readonly [Tree | null, Tree | null];
  const subscriptValue = after(token('_'), choice(atom, braced));
  const marks: Rule<Marks> = choice<Marks>(
    sequence(optional(subscriptValue), optional(superscript), (below, above) => [below, above]),
    sequence(superscript, subscriptValue, (above, below) => [below, above]),
  );
  const named = (type: string): Rule<string> =>
    choice(
      converted(type, (text) => text.slice(1)),
      after(
        token('\\operatorname'),
        enclosed(
          '{',
          converted('NAME', (text) => text),
          '}',
        ),
      ),
    );
  const raise = (value: Tree, above: Tree | null): Tree => (above === null ? value : power(value, above));
  const single = sequence(
    sequence(named('FUNCTION'), marks, (name, [below, above]) => ({ name, below, above })),
    choice(enclosed('(', expression, ')'), plainProducts),
    ({ name, below, above }, argument) => {
      const inverse = INVERSES.test(name) && above?.value?.num === -1n && above.value.den === 1n;
      return raise(functionOf(inverse ? `a${name}` : name, argument, below), inverse ? null : above);
    },
  );
  const several = sequence(
    sequence(named('FUNCTION_MANY'), marks, (name, [, above]) => ({ name, above })),
    enclosed('(', listed, ')'),
    ({ name, above }, values) => raise(node('apply', values, name), above),
  );
  // x(y) calls x with an atom or with several arguments; x(y+1) is a product.
  const common = choice(
    map(atom, (value) => [value]),
    before(
      map(expression, (value) => [value]),
      token(','),
    ),
    sequence(before(expression, token(',')), listed, (value, others) => [value, ...others]),
  );
  const called = choice(
    enclosed('(', common, ')'),
    enclosed('[', common, ']'),
    enclosed('{', enclosed('(', common, ')'), '}'),
    enclosed('{', enclosed('[', common, ']'), '}'),
  );
  const applied = sequence(
    sequence(textOf(sequence(letter, optional(subscript), () => null)), optional(superscript), (name, above) => ({
      name,
      above,
    })),
    called,
    ({ name, above }, values) => raise(node('apply', values, `f:${name}`), above),
  );
  const root = after(
    token('\\sqrt'),
    sequence(optional(enclosed('[', expression, ']')), braced, (degree, base) =>
      power(base, degree === null ? HALF : quotient(number(integer(1)), degree)),
    ),
  );
  const exponential = after(
    token('EXP'),
    map(optional(superscript), (above) => (above === null ? EULER : power(EULER, above))),
  );

  const nothing: Rule<Tree[]> = (start) => [{ end: start, build: () => [] }];
  const pairOf = (a: Rule<Tree>, b: Rule<Tree>): Rule<Tree[]> => sequence(a, b, (left, right) => [left, right]);
  const empty = (mark: string): Rule<Tree[]> => after(token(mark), after(token('{'), after(token('}'), nothing)));
  const bounds: Rule<Tree[]> = choice(
    pairOf(subscriptValue, superscript),
    map(pairOf(superscript, subscriptValue), ([above, below]) => [below as Tree, above as Tree]),
    after(empty('_'), empty('^')),
    after(empty('^'), empty('_')),
    nothing,
  );
  const differential = converted('DIFFERENTIAL', (text) => symbolOf(text.slice(1).trim(), real));
  const integrand: Rule<Tree[]> = choice(
    pairOf(sums, differential),
    map(differential, (variable) => [number(integer(1)), variable]),
    map(sums, (body) => [body]),
  );
  const integral = after(
    token('\\int'),
    sequence(bounds, integrand, (limits, body) => node('apply', [...body, ...limits], 'Integral')),
  );
  const range = after(token('_'), enclosed('{', pairOf(before(expression, oneOf('=', '==')), expression), '}'));
  const summed: Rule<Tree[]> = choice(
    sequence(range, superscript, (below, above) => [...below, above]),
    sequence(superscript, range, (above, below) => [...below, above]),
  );
  const accumulated = choice(
    ...(['\\sum', '\\prod'] as const).map((type) =>
      after(
        token(type),
        sequence(summed, products, (limits, body) =>
          node('apply', [body, ...limits], type === '\\sum' ? 'Sum' : 'Product'),
        ),
      ),
    ),
  );
  const direction = after(token('^'), enclosed('{', oneOf('+', '-'), '}'));
  const approach = sequence(
    before(
      map(choice(token('LETTER'), token('GREEK'), token('OTHER')), ({ text }) => symbolOf(text, real)),
      token('ARROW'),
    ),
    sequence(expression, optional(direction), (value, side) => node('row', [value], side ?? '+')),
    (variable, target) => [variable, target],
  );
  const limit = after(
    token('\\lim'),
    sequence(after(token('_'), enclosed('{', approach, '}')), products, (target, body) =>
      node('apply', [body, ...target], 'Limit'),
    ),
  );

  return choice(single, several, applied, integral, root, accumulated, limit, exponential);
}

const RENAMED: Readonly<Record<string, string>> = { ceil: 'ceiling' };

function functionOf(name: string, argument: Tree, base: Tree | null): Tree {
  if (name === 'exp') return power(EULER, argument);
  if (name === 'log' || name === 'ln') {
    const standard = name === 'ln' ? EULER : number(integer(10));
    return node('apply', [argument, base ?? standard], 'log');
  }
  if (name === 'det' || !/^(?:a?(?:rc?)?(?:sin|cos|tan|csc|sec|cot)h?|floor|ceil)$/.test(name))
    throw new Unparsable(name);
  const short = name.replace(/^arc?/, 'a');
  return node('apply', [argument], RENAMED[short] ?? short);
}
