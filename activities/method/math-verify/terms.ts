/**
 * Grammar of terms, from a letter to a sum: PS.g4 of latex2sympy2_extended 1.10.1, rule by rule, with its order of alternatives.
 * Derivatives and matrix transforms are left out: such an answer counts as unparsable and is then equal to its own text only.
 */
import { atomRules } from './atoms.ts';
import { difference, juxtaposed, negative, power, product, quotient, sum } from './build.ts';
import { functionRules } from './functions.ts';
import {
  after,
  before,
  choice,
  fold,
  lazy,
  list,
  many,
  map,
  optional,
  sequence,
  type Outcomes,
  type Rule,
} from './outcomes.ts';
import type { TokenRules } from './rules.ts';
import { Unparsable, node, type Tree } from './tree.ts';

const BRACKETS = '( ) | \\lgroup \\rgroup | { } | [ ] | \\{ \\} | \\lbrace \\rbrace | \\lbrack \\rbrack'
  .split(' | ')
  .map((pair) => pair.split(' ') as [string, string]);
const BARS = [
  ['|', '|'],
  ['\\lvert', '\\rvert'],
  ['\\vert', '\\vert'],
] as const;
const ROUNDED: readonly (readonly [string, string, string])[] = [
  ['floor', '\\lfloor', '\\rfloor'],
  ['floor', '\\llcorner', '\\lrcorner'],
  ['ceiling', '\\lceil', '\\rceil'],
  ['ceiling', '\\ulcorner', '\\urcorner'],
];

export interface TermRules {
  readonly expression: Rule<Tree>;
  readonly atomExpression: Rule<Tree>;
}

/** `real`: letters stand for real numbers. */
export function termRules(rules: TokenRules, outcomes: Outcomes, real: boolean): TermRules {
  const { token, enclosed, oneOf } = rules;
  const expression: Rule<Tree> = lazy(() => sums);
  const atoms = atomRules(rules, outcomes, real, expression);
  const { atom, atomExpression, braced, subscript } = atoms;

  const groups = choice(...BRACKETS.map(([open, close]) => enclosed(open, expression, close)));
  const formatting = after(oneOf('\\phantom', '\\boxed'), enclosed('{', expression, '}'));
  const absolute = choice(
    ...BARS.map(([open, close]) => map(enclosed(open, expression, close), (value) => node('apply', [value], 'Abs'))),
  );
  const rounded = choice(
    ...ROUNDED.map(([name, open, close]) =>
      map(enclosed(open, expression, close), (value) => node('apply', [value], name)),
    ),
  );
  const fractions = after(token('FRAC'), sequence(braced, braced, quotient));
  const choose = (top: Tree, bottom: Tree): Tree => node('apply', [top, bottom], 'binomial');
  const binomials = choice(
    enclosed('{', sequence(before(expression, token('\\choose')), expression, choose), '}'),
    after(token('BINOM'), sequence(braced, braced, choose)),
  );
  const row = map(many(expression, token('&')), (cells) => node('row', cells));
  const rows = before(many(row, token('\\\\')), optional(token('\\\\')));
  const matrix = map(
    choice(enclosed('MATRIX_BEGIN', rows, 'MATRIX_END'), enclosed('ARRAY_BEGIN', rows, 'ARRAY_END')),
    (lines) => {
      if (new Set(lines.map(({ args }) => args.length)).size > 1) throw new Unparsable('ragged matrix');
      return node('matrix', lines);
    },
  );

  const functions = outcomes.rule(
    'function',
    lazy(() => calls),
  );
  const plain = choice(groups, formatting, absolute, rounded);
  const components = outcomes.rule('component', choice(plain, functions, atom, fractions, binomials, matrix));
  const plainComponents = outcomes.rule('plainComponent', choice(plain, atom, fractions, binomials, matrix));
  const exponent = before(after(token('^'), choice(atom, braced)), optional(subscript));
  const changes = oneOf('!', 'TRANSPOSE', 'DEGREE');
  const postfix = (name: string, base: Rule<Tree>): Rule<Tree> =>
    outcomes.rule(
      name,
      // Transposition leaves a number or letter as it is, and degrees are not converted.
      fold(fold(base, exponent, power), changes, (value, change) =>
        change === '!' ? node('apply', [value], 'factorial') : value,
      ),
    );
  const postfixes = postfix('postfix', components);
  const plainPostfixes = postfix('plainPostfix', plainComponents);

  const unary: Rule<Tree> = outcomes.rule(
    'unary',
    choice(
      after(
        token('+'),
        lazy(() => unary),
      ),
      map(
        after(
          token('-'),
          lazy(() => unary),
        ),
        negative,
      ),
      map(many(postfixes), juxtaposed),
    ),
  );
  const plainUnary: Rule<Tree> = outcomes.rule(
    'plainUnary',
    choice(
      after(
        token('+'),
        lazy(() => plainUnary),
      ),
      map(
        after(
          token('-'),
          lazy(() => plainUnary),
        ),
        negative,
      ),
      map(list(postfixes, plainPostfixes), juxtaposed),
    ),
  );
  const operator = oneOf('*', '/', 'MOD');
  const multiplied = (name: string, factor: Rule<Tree>): Rule<Tree> =>
    outcomes.rule(
      name,
      fold(
        factor,
        sequence(operator, factor, (type, value) => ({ type, value })),
        (left, { type, value }) => {
          if (type === '*') return product(left, value);
          return type === '/' ? quotient(left, value) : node('apply', [left, value], 'Mod');
        },
      ),
    );
  const products = multiplied('product', unary);
  const plainProducts = multiplied('plainProduct', plainUnary);
  const sums = outcomes.rule(
    'sum',
    fold(
      products,
      sequence(oneOf('+', '-'), products, (type, value) => ({ type, value })),
      (left, { type, value }) => (type === '+' ? sum(left, value) : difference(left, value)),
    ),
  );
  const calls = functionRules(rules, atoms, { expression, sums, products, plainProducts }, real);

  return { expression: sums, atomExpression };
}
