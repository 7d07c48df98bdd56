/**
 * How the reference turns what it reads into SymPy expressions: the conversions of latex2sympy2.py (latex2sympy2_extended 1.10.1)
 * with evaluate=False. Only what it does evaluate is evaluated: quotients of integers, signs of numbers, mixed fractions.
 */
import { floatBits } from './float.ts';
import { MINUS_ONE_TREE, Unparsable, ZOO, finiteSet, isInteger, keyOf, node, number, type Tree } from './tree.ts';
import { add, fraction, integer, isInteger as isWhole, multiply, negate, parseDecimal } from '../algebra/rational.ts';

const MAX_DIGITS = 4300;
/** Greek letters have SymPy names; of those the converted text would lack only the backslash. */
const LETTER_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  'α alpha β beta γ gamma Γ Gamma δ delta Δ Delta ε epsilon ϵ varepsilon ζ zeta η eta θ theta Θ Theta ϑ vartheta ι iota κ kappa λ lambda Λ Lambda μ mu ν nu ξ xi Ξ Xi ο omicron π pi Π Pi ϖ varpi ρ rho ϱ varrho σ sigma Σ Sigma ς varsigma τ tau υ upsilon Υ Upsilon φ phi Φ Phi ϕ varphi χ chi ψ psi Ψ Psi ω omega Ω Omega'
    .split(' ')
    .flatMap((name, index, all) => (index % 2 === 0 ? [[name, all[index + 1] ?? '']] : [])),
);

/** get_symbol: lower case, π the number; `\Pi` becomes π too. */
export function symbolOf(text: string, real: boolean): Tree {
  const trimmed = text.trim();
  const name = (LETTER_NAMES[trimmed] ?? trimmed).replace(/^\\/, '').toLowerCase();
  return name === 'pi' ? node('constant', [], 'pi') : node('symbol', [], real ? name : `${name}!`);
}

/** sympy.Number(text): an integer without a point, otherwise a Float. */
export function numberOfText(text: string): Tree {
  if (text.length > MAX_DIGITS) throw new Unparsable('number too long');
  const value = parseDecimal(text);
  if (value === null) throw new Unparsable(`number ${text.slice(0, 40)}`);
  if (/^-?\d+$/.test(text)) return number(value);
  const digits = text
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '').length;
  return { kind: 'float', name: '', args: [], value, precision: floatBits(digits) };
}

export function negative(tree: Tree): Tree {
  if (tree.value !== undefined) return { ...tree, value: negate(tree.value) };
  if (tree.kind === 'constant' && tree.name.endsWith('oo'))
    return node('constant', [], tree.name === 'oo' ? '-oo' : 'oo');
  return product(MINUS_ONE_TREE, tree);
}

const parts = (kind: 'add' | 'mul', tree: Tree): readonly Tree[] => (tree.kind === kind ? tree.args : [tree]);

/** add_flat, mul_flat; the same for matrices, which differ in name only. */
export function sum(left: Tree, right: Tree): Tree {
  return node('add', [...parts('add', left), ...parts('add', right)]);
}

export function product(left: Tree, right: Tree): Tree {
  return node('mul', [...parts('mul', left), ...parts('mul', right)]);
}

export function difference(left: Tree, right: Tree): Tree {
  return sum(left, negative(right));
}

export function power(base: Tree, exponent: Tree): Tree {
  return node('pow', [base, exponent]);
}

export function quotient(top: Tree, bottom: Tree): Tree {
  if (isInteger(top) && isInteger(bottom)) {
    const value = fraction(top.value?.num ?? 0n, bottom.value?.num ?? 1n);
    if (value !== null) return number(value);
    return top.value?.num === 0n ? node('constant', [], 'nan') : ZOO;
  }
  return node('mul', [top, power(bottom, MINUS_ONE_TREE)]);
}

/** Factors side by side: a product, except that an integer before a positive fraction is a mixed number (and `2 3` is 5). */
export function juxtaposed(factors: readonly Tree[]): Tree {
  const [head, ...rest] = factors;
  if (head === undefined) throw new Unparsable('empty product');
  if (rest.length === 0) return head;
  const tail = juxtaposed(rest);
  if (
    isInteger(head) &&
    head.value !== undefined &&
    tail.kind === 'rational' &&
    tail.value !== undefined &&
    tail.value.num > 0n
  ) {
    const sign = head.value.num < 0n ? integer(-1) : integer(1);
    return number(add(head.value, multiply(sign, tail.value)));
  }
  return product(head, tail);
}

/** `±x` → −x, x; `a ± b` → a + b, a − b. */
export function plusMinus(left: Tree | null, right: Tree): Tree[] {
  const opposite = right.kind === 'rational' ? negative(right) : node('mul', [MINUS_ONE_TREE, right]);
  return left === null ? [opposite, right] : [node('add', [left, right]), node('add', [left, opposite])];
}

/** A chain of relations is a conjunction: a < b < c. */
export function related(left: Tree, operator: string, right: Tree): Tree {
  if (operator === 'APPROX') return onlySymbols(left) ? right : left;
  if (operator === 'IN') throw new Unparsable('unrecognized relation');
  const name = operator === '==' ? '=' : operator;
  const last = left.kind === 'and' ? left.args[left.args.length - 1] : left;
  if (last === undefined || last.kind !== 'relation') return node('relation', [left, right], name);
  const relation = node('relation', [last.args[1] as Tree, right], name);
  // a = b = a is one equation to SymPy, for which the reference's And fails.
  const repeated = name === '=' && last.name === '=' && keyOf(last.args[0] as Tree) === keyOf(right);
  if (repeated && left.kind === 'relation') throw new Unparsable('a relation repeated');
  return node('and', [...(left.kind === 'and' ? left.args : [left]), relation]);
}

/** is_expr_of_only_symbols. */
export function onlySymbols(tree: Tree): boolean {
  if (tree.kind === 'symbol') return true;
  if (
    tree.kind === 'pow' &&
    tree.args[1]?.kind === 'rational' &&
    tree.args[1].value?.num === -1n &&
    isWhole(tree.args[1].value)
  ) {
    const base = tree.args[0] as Tree;
    return base.kind === 'symbol' || base.args.every(onlySymbols);
  }
  return tree.args.length > 0 && tree.args.every(onlySymbols);
}

/** convert_elements_to_set_or_tuple: one list is a set or its only element; several lists are tuples in a set. */
export function setOrElement(lists: readonly (readonly Tree[])[]): Tree {
  const [only] = lists;
  if (only === undefined) throw new Unparsable('empty list');
  if (lists.length === 1) return only.length === 1 ? (only[0] as Tree) : finiteSet(only);
  if (lists.every((list) => list.length === 1)) return finiteSet(lists.flat());
  return finiteSet(lists.map((list) => node('tuple', list)));
}

const SETS = new Set(['set', 'interval', 'union', 'intersection', 'complement', 'domain']);

export function isSet(tree: Tree): boolean {
  return SETS.has(tree.kind);
}

/** sympy.Union and the like want sets; a tuple among them is taken for one. */
export function combined(kind: 'union' | 'intersection' | 'complement', left: Tree, right: Tree): Tree {
  const operands = [left, right].map((tree) =>
    tree.kind === 'tuple' && kind !== 'complement' ? finiteSet(tree.args) : tree,
  );
  if (!operands.every(isSet)) throw new Unparsable('operands are no sets');
  return node(kind, operands);
}
