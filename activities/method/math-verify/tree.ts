/**
 * Expressions as the reference holds them: SymPy objects built with evaluate=False. Two trees with one key are what SymPy calls
 * equal (`==`): same shape, arguments in the same order (elements of a set in any order).
 * Source: latex2sympy2_extended 1.10.1, latex2sympy2.py; sympy 1.14.0.
 */
import { format, integer, type Rational } from '../algebra/rational.ts';

export type Kind =
  | 'rational'
  | 'float'
  | 'symbol'
  | 'constant'
  | 'add'
  | 'mul'
  | 'pow'
  | 'apply'
  | 'tuple'
  | 'set'
  | 'interval'
  | 'union'
  | 'intersection'
  | 'complement'
  | 'domain'
  | 'relation'
  | 'and'
  | 'matrix'
  | 'row';

export interface Tree {
  readonly kind: Kind;
  /** Symbol, constant, function, domain; the operator of a relation; `[`, `(` and `)`, `]` of an interval. */
  readonly name: string;
  readonly args: readonly Tree[];
  /** Of a rational; of a float the decimal as written. */
  readonly value?: Rational;
  /** Bits of a float. */
  readonly precision?: number;
}

/** The reference cannot make an expression of this text. Control flow inside the folder, never a failure. */
export class Unparsable extends Error {
  override readonly name = 'Unparsable';
}

export function node(kind: Kind, args: readonly Tree[], name = ''): Tree {
  return { kind, name, args };
}

export function number(value: Rational): Tree {
  return { kind: 'rational', name: '', args: [], value };
}

export const MINUS_ONE_TREE = number(integer(-1));
const HUNDREDTH = number({ num: 1n, den: 100n });
export const ZOO = node('constant', [], 'zoo');

export function isNumberTree(tree: Tree): boolean {
  return tree.kind === 'rational' || tree.kind === 'float' || (tree.kind === 'constant' && /oo$|nan/.test(tree.name));
}

export function isInteger(tree: Tree): boolean {
  return tree.kind === 'rational' && tree.value?.den === 1n;
}

/** convert_to_pct: x · 1/100, not multiplied out, so that the comparison can tell a percentage. */
export function percentOf(tree: Tree): Tree {
  return node('mul', [tree, HUNDREDTH]);
}

/** is_atomic_or_pct_atomic (math_verify/grader.py). */
export function isAtomicOrPercent(tree: Tree, isType: (tree: Tree) => boolean): boolean {
  if (isType(tree)) return true;
  const [first, second] = tree.args;
  return (
    tree.kind === 'mul' &&
    tree.args.length === 2 &&
    first !== undefined &&
    second?.kind === 'rational' &&
    second.value?.num === 1n &&
    second.value.den === 100n &&
    isType(first)
  );
}

const keys = new WeakMap<Tree, string>();

/** Structural equality as text. */
export function keyOf(tree: Tree): string {
  const known = keys.get(tree);
  if (known !== undefined) return known;
  const args = tree.args.map(keyOf);
  if (tree.kind === 'set') args.sort();
  const value = tree.value === undefined ? '' : format(tree.value);
  const key = `${tree.kind}:${tree.name}:${value}:${tree.precision ?? ''}(${args.join(',')})`;
  keys.set(tree, key);
  return key;
}

/** A finite set without repeated elements, in the order written. */
export function finiteSet(elements: readonly Tree[]): Tree {
  const distinct = new Map(elements.map((element) => [keyOf(element), element]));
  return distinct.size === 0 ? node('domain', [], 'empty') : node('set', [...distinct.values()]);
}

export function freeSymbols(tree: Tree, into = new Set<string>()): Set<string> {
  if (tree.kind === 'symbol') into.add(keyOf(tree));
  for (const arg of tree.args) freeSymbols(arg, into);
  return into;
}

export function nodes(tree: Tree): number {
  return tree.args.reduce((total, arg) => total + nodes(arg), 1);
}

export function some(tree: Tree, test: (tree: Tree) => boolean): boolean {
  return test(tree) || tree.args.some((arg) => some(arg, test));
}

/** The expression with a letter, given by its key, replaced. */
export function substituted(tree: Tree, letter: string, by: Tree): Tree {
  if (tree.kind === 'symbol') return keyOf(tree) === letter ? by : tree;
  return tree.args.length === 0 ? tree : { ...tree, args: tree.args.map((arg) => substituted(arg, letter, by)) };
}
