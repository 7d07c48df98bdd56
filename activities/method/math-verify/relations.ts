/** Relations and what the reference takes from them: assignments, values, sets of solutions (math_verify/grader.py 0.7.0). */
import { negative, onlySymbols, sum } from './build.ts';
import { finiteSet, freeSymbols, node, number, type Tree } from './tree.ts';
import { linearCoefficients, realNumber } from './value.ts';
import { fraction } from '../algebra/rational.ts';

/** The parts of a conjunction; a relation is its own only part. */
const relationsOf = (tree: Tree): readonly Tree[] => (tree.kind === 'and' ? tree.args : [tree]);
export const isRelation = (tree: Tree): boolean => relationsOf(tree).every(({ kind }) => kind === 'relation');
export const isEquation = (tree: Tree): boolean =>
  relationsOf(tree).every(({ kind, name }) => kind === 'relation' && name === '=');
export const isAssignment = (tree: Tree): boolean =>
  isEquation(tree) && onlySymbols(relationsOf(tree)[0]?.args[0] as Tree);

/** The right side of the last relation. */
export function lastSide(tree: Tree): Tree {
  const relations = relationsOf(tree);
  return relations[relations.length - 1]?.args[1] as Tree;
}

/** A chain of assignments a = b = c is a = c. */
export function shortened(tree: Tree): Tree {
  if (!isAssignment(tree)) return tree;
  return node('relation', [relationsOf(tree)[0]?.args[0] as Tree, lastSide(tree)], '=');
}

/** The value of an assignment, for the order of elements in a set. */
export function unwrapped(tree: Tree): Tree {
  return isAssignment(tree) ? lastSide(tree) : tree;
}

/** as_set of linear relations in one letter: 0 < x < 1 is (0, 1). Null for any others. */
export function solutionSet(relation: Tree): Tree | null {
  const relations = relation.kind === 'and' ? relation.args : [relation];
  const [letter, ...others] = freeSymbols(relation);
  if (letter === undefined || others.length > 0) return null;
  const rays = relations.map((part) => raySet(part, letter));
  if (!rays.every((ray): ray is Tree => ray !== null)) return null;
  return rays.reduce(meet);
}

/** The intersection, as one interval where both are. */
function meet(left: Tree, right: Tree): Tree {
  if (left.kind !== 'interval' || right.kind !== 'interval') return node('intersection', [left, right]);
  const tighter = (side: 0 | 1, sign: number): [Tree, string] => {
    const [a, b] = [left.args[side] as Tree, right.args[side] as Tree];
    const order = sign * (realNumber(a) - realNumber(b));
    const open = [left, right].find(({ name }) => /[()]/.test(name.charAt(side))) ?? left;
    if (order === 0 || Number.isNaN(order)) return [a, open.name.charAt(side)];
    return order > 0 ? [a, left.name.charAt(side)] : [b, right.name.charAt(side)];
  };
  const [from, open] = tighter(0, 1);
  const [to, close] = tighter(1, -1);
  const width = realNumber(to) - realNumber(from);
  if (width > 0) return node('interval', [from, to], `${open}${close}`);
  return width === 0 && open === '[' && close === ']' ? finiteSet([from]) : node('domain', [], 'empty');
}

function raySet({ name, args }: Tree, letter: string): Tree | null {
  const [left, right] = args as [Tree, Tree];
  const line = linearCoefficients(sum(left, negative(right)), letter);
  const root = line === null ? null : fraction(-line.offset.num * line.slope.den, line.offset.den * line.slope.num);
  if (line === null || root === null) return null;
  const bound = number(root);
  if (name === '=') return finiteSet([bound]);
  if (name === '!=') return node('complement', [node('domain', [], 'reals'), finiteSet([bound])]);
  const below = name.startsWith('<') === line.slope.num > 0n;
  const closed = name.endsWith('=');
  const infinity = node('constant', [], below ? '-oo' : 'oo');
  if (below) return node('interval', [infinity, bound], closed ? '(]' : '()');
  return node('interval', [bound, infinity], closed ? '[)' : '()');
}
