/**
 * Grammar of whole answers, above terms: relations, lists, sets, intervals, tuples. PS.g4 and latex2sympy2.py of
 * latex2sympy2_extended 1.10.1, with the second attempt of math_verify's parse_latex_cached on the last side of an equation.
 */
import { combined, numberOfText, plusMinus, related, setOrElement } from './build.ts';
import { order } from './value.ts';
import { Outcomes, after, before, choice, fold, lazy, many, map, sequence, type Rule, type Work } from './outcomes.ts';
import { tokenRules } from './rules.ts';
import { termRules } from './terms.ts';
import { Unparsable, finiteSet, freeSymbols, node, type Tree } from './tree.ts';
import { tokensOf } from './tokens.ts';

/** The reference takes seconds for more, or runs out of stack. */
const MAX_LENGTH = 1000;
const MAX_TOKENS = 300;
const RELATIONS = ['IN', '=', '==', 'APPROX', '<', '<=', '>', '>=', '!='] as const;
/** should_treat_as_complex: letters in such a text are not assumed to be real. */
const COMPLEX =
  /\\mathbb\{C\}|\\i\b|\bi\b|\\text\{i\}|\\mathrm\{i\}|\\imath\b|\\det|\\operatorname\{tr\}|\\operatorname\{rank\}|\\text\{rank\}|\\arg\{|\\Re\{|\\Im\{|\\operatorname\{Re\}|\\operatorname\{Im\}|\\text\{Re\}|\\text\{Im\}/;
const THOUSANDS = /^\s*-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*$/;

/** The expression of normalised LaTeX; null when the reference has none. */
export function parseLatex(latex: string, work: Work): Tree | null {
  return attempt(latex, work) ?? lastSide(latex, work);
}

/** get_last_eq: of a = b = c the c. */
function lastSide(latex: string, work: Work): Tree | null {
  if (/[,;]/.test(latex)) return null;
  const sides = latex.split(/(?<!\\|<|!|>)=/);
  return sides.length > 2 ? attempt(sides[sides.length - 1] ?? '', work) : null;
}

function attempt(latex: string, work: Work): Tree | null {
  if (latex.length > MAX_LENGTH) return null;
  work.steps -= 30 + latex.length;
  try {
    return convert(latex, work);
  } catch (error) {
    if (error instanceof Unparsable || error instanceof RangeError) return null;
    throw error;
  }
}

function convert(latex: string, work: Work): Tree {
  const tokens = tokensOf(latex);
  if (tokens.length > MAX_TOKENS) throw new Unparsable('too many tokens');
  const outcomes = new Outcomes(work);
  const rules = tokenRules(tokens);
  const { token, oneOf, enclosed } = rules;
  const { expression, atomExpression } = termRules(rules, outcomes, !COMPLEX.test(latex));

  const relation = fold(
    expression,
    sequence(oneOf(...RELATIONS), expression, (operator, right) => ({ operator, right })),
    (left, { operator, right }) => related(left, operator, right),
  );
  const sign = token('PLUS_MINUS');
  const twofold = choice(
    sequence(before(expression, sign), expression, plusMinus),
    map(after(sign, expression), (value) => plusMinus(null, value)),
  );
  const one = (rule: Rule<Tree>): Rule<Tree[]> => map(rule, (value) => [value]);
  const setAtom: Rule<Tree> = outcomes.rule(
    'setAtom',
    lazy(() => choice(interval, literal, tuple, braces)),
  );
  const element = outcomes.rule('element', choice(twofold, one(setAtom), one(relation)));
  const unrelated = outcomes.rule('unrelated', choice(twofold, one(setAtom), one(expression)));
  const lists = (item: Rule<Tree[]>): Rule<Tree[][]> =>
    many(
      map(many(item, token(',')), (items) => items.flat()),
      token(';'),
    );
  const elements = outcomes.rule('elements', lists(element));

  const interval = sequence(
    sequence(oneOf('[', '(', '\\(', '\\lbrack', '\\lgroup'), before(expression, token(',')), (open, left) => ({
      open,
      left,
    })),
    sequence(expression, oneOf(']', ')', '\\)', '\\rbrack', '\\rgroup'), (right, close) => ({ right, close })),
    ({ open, left }, { right, close }) => intervalOf(left, right, !/[[k]$/.test(open), !/[\]k]$/.test(close)),
  );
  const literal = choice(
    ...['NATURALS', 'INTEGERS', 'RATIONALS', 'REALS', 'COMPLEXES'].map((type) =>
      map(token(type), () => node('domain', [], type.toLowerCase())),
    ),
    map(
      choice<unknown>(
        token('EMPTY'),
        sequence(token('{'), token('}'), () => null),
      ),
      () => node('domain', [], 'empty'),
    ),
  );
  const tuple = map(
    choice(enclosed('(', elements, ')'), enclosed('\\(', elements, '\\)'), enclosed('[', elements, ']')),
    (parts) => (parts.length === 1 && parts[0]?.length === 1 ? (parts[0][0] as Tree) : node('tuple', parts.flat())),
  );
  const braces = choice(
    map(choice(enclosed('{', elements, '}'), enclosed('\\{', elements, '\\}')), (parts) => finiteSet(parts.flat())),
    map(after(token('\\boxed'), enclosed('{', elements, '}')), setOrElement),
  );

  const chain = (rule: Rule<Tree>, operator: string, kind: 'union' | 'intersection' | 'complement'): Rule<Tree> =>
    fold(rule, after(token(operator), rule), (left, right) => combined(kind, left, right));
  const setGroup: Rule<Tree> = outcomes.rule(
    'setGroup',
    choice(
      enclosed(
        '(',
        lazy(() => minus),
        ')',
      ),
      setAtom,
    ),
  );
  const minus = outcomes.rule(
    'minus',
    chain(chain(chain(setGroup, 'CAP', 'intersection'), 'CUP', 'union'), 'SETMINUS', 'complement'),
  );
  const names = choice(
    map(enclosed('(', many(atomExpression, token(',')), ')'), (list) =>
      list.length === 1 ? (list[0] as Tree) : node('tuple', list),
    ),
    atomExpression,
  );
  const equal = (left: Tree, right: Tree): Tree => node('relation', [left, right], '=');
  const setRelation: Rule<Tree> = choice(
    sequence(
      before(names, oneOf('IN', '=')),
      lazy(() => setRelation),
      equal,
    ),
    minus,
  );

  const whole: readonly Rule<Tree>[] = [
    map(
      sequence(before(names, oneOf('IN', '=')), lists(unrelated), (left, right) => ({ left, right })),
      ({ left, right }) => equal(left, setOrElement(right)),
    ),
    map(elements, (parts) => (THOUSANDS.test(latex) ? thousands(latex) : setOrElement(parts))),
    setRelation,
  ];
  for (const rule of whole) {
    const reading = rule(0).find(({ end }) => end === tokens.length);
    if (reading !== undefined) return reading.build();
  }
  throw new Unparsable('no reading');
}

/** convert_number: commas between thousands, but 0,111 is a decimal. */
function thousands(latex: string): Tree {
  const text = latex.startsWith('0') ? latex.replaceAll(',', '.') : latex;
  return numberOfText(text.replace(/[, ]/g, '').replace(/^0+/, '') || '0');
}

/** convert_interval: what would be empty is a pair. */
function intervalOf(left: Tree, right: Tree, leftOpen: boolean, rightOpen: boolean): Tree {
  const compared = freeSymbols(left).size + freeSymbols(right).size === 0 ? order(right, left) : null;
  if (compared !== null && ((leftOpen && rightOpen && compared <= 0) || (!leftOpen && !rightOpen && compared < 0))) {
    return node('tuple', [left, right]);
  }
  if (compared !== null && compared <= 0)
    return compared === 0 && !leftOpen && !rightOpen ? finiteSet([left]) : node('domain', [], 'empty');
  const open = leftOpen || isInfinite(left) ? '(' : '[';
  const close = rightOpen || isInfinite(right) ? ')' : ']';
  return node('interval', [left, right], `${open}${close}`);
}

function isInfinite(tree: Tree): boolean {
  return tree.kind === 'constant' && tree.name.endsWith('oo');
}
