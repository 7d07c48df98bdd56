/**
 * Whether two expressions agree: `sympy_expr_eq` of math_verify/grader.py (0.7.0) with its defaults (six decimal places, fifteen
 * digits, strict). Not symmetric: the first is the reference answer and sets the form in which equations are compared.
 */
import { isSet, negative, sum } from './build.ts';
import { compareSets } from './compare-sets.ts';
import { isAssignment, isEquation, isRelation, lastSide, shortened, solutionSet } from './relations.ts';
import { roundedKey } from './float.ts';
import { Unparsable, freeSymbols, isAtomicOrPercent, keyOf, some, type Tree } from './tree.ts';
import { differByFactor, isConstant, isLinearIn, quantityOf, realNumber, sameValue } from './value.ts';

const PLACES = 6;
const FLIPPED: Readonly<Record<string, string>> = { '>=': '<=', '<=': '>=', '>': '<', '<': '>', '=': '=' };

/** Throws `Unparsable` where the reference raises: the pair then counts as different. */
export function equalExpressions(answer: Tree, response: Tree): boolean {
  let gold = shortened(answer);
  let pred = shortened(response);
  if (isEquation(pred) && !isEquation(gold)) pred = lastSide(pred);
  else if (isAssignment(gold) && !isEquation(pred)) gold = lastSide(gold);
  if (isRelation(gold) && isSet(pred)) gold = solutionSet(gold) ?? gold;

  if (gold.kind === 'constant' && (gold.name === 'zoo' || gold.name === 'nan')) throw new Unparsable(gold.name);
  if (keyOf(gold) === keyOf(pred)) return true;
  if (isRelation(gold) && isRelation(pred)) return equalRelations(gold, pred);
  if ([gold, pred].some((tree) => isSet(tree) || tree.kind === 'tuple'))
    return compareSets(gold, pred, equalExpressions);
  if (gold.kind === 'symbol' || pred.kind === 'symbol') return equalSymbols(gold, pred);
  if (gold.kind === 'matrix' || pred.kind === 'matrix') return equalMatrices(gold, pred);
  return equalNumbers(gold, pred) || (isExpression(gold) && isExpression(pred) && sameValue(gold, pred));
}

function isExpression(tree: Tree): boolean {
  return !some(tree, ({ kind }) => ['relation', 'and', 'matrix', 'tuple'].includes(kind)) && !isSet(tree);
}

/** sympy_numeric_eq where one side is infinite, or a decimal (or a percentage of one): then both are rounded to six places. */
function equalNumbers(a: Tree, b: Tree): boolean {
  const infinite = [a, b].some((tree) => tree.kind === 'constant' && tree.name.endsWith('oo'));
  if (infinite) return realNumber(a) === realNumber(b);
  const decimal = (tree: Tree): boolean => isAtomicOrPercent(tree, ({ kind }) => kind === 'float');
  if (!decimal(a) && !decimal(b)) return false;
  const [left, right] = [quantityOf(a), quantityOf(b)];
  return left !== null && right !== null && roundedKey(left, PLACES) === roundedKey(right, PLACES);
}

function equalMatrices(a: Tree, b: Tree): boolean {
  const cells = (tree: Tree): readonly Tree[] => tree.args.flatMap(({ args }) => args);
  if (a.kind !== b.kind || a.args.length !== b.args.length || a.args[0]?.args.length !== b.args[0]?.args.length)
    return false;
  const others = cells(b);
  return cells(a).every((cell, index) => {
    const other = others[index] as Tree;
    return equalNumbers(cell, other) || sameValue(cell, other);
  });
}

/** A name against the letters it is spelled with: abc and a·b·c; Euler's number is the letter e. */
function equalSymbols(gold: Tree, pred: Tree): boolean {
  const isEuler = (tree: Tree): boolean => tree.kind === 'constant' && tree.name === 'e';
  const nameOf = (tree: Tree): string => tree.name.replace(/!$/, '');
  const spelled = (tree: Tree): string | null => {
    if (tree.kind !== 'mul' || !tree.args.every((arg) => isEuler(arg) || arg.kind === 'symbol')) return null;
    return tree.args.map((arg) => (isEuler(arg) ? 'e' : nameOf(arg))).join('');
  };
  for (const [name, other] of [[gold, pred] as const, [pred, gold] as const]) {
    if (name.kind !== 'symbol') continue;
    if (isEuler(other) && nameOf(name).toLowerCase() === 'e') return true;
    const letters = spelled(other);
    if (letters !== null) return nameOf(name).toLowerCase() === letters.toLowerCase();
  }
  return gold.kind === 'symbol' && pred.kind === 'symbol' && nameOf(gold) === nameOf(pred);
}

function equalRelations(gold: Tree, pred: Tree): boolean {
  if (gold.kind === 'and' && pred.kind === 'and') {
    return gold.args.every((part, index) => pred.args[index] === undefined || equalRelations(part, pred.args[index]));
  }
  if (gold.kind !== 'relation' || pred.kind !== 'relation') return false;
  const [goldLeft, goldRight] = gold.args as [Tree, Tree];
  const [predLeft, predRight] = pred.args as [Tree, Tree];
  const sides = [goldLeft, goldRight, predLeft, predRight];
  if (sides.every(isExpression)) {
    const rest = sum(goldLeft, negative(goldRight));
    if (gold.name === pred.name && same(rest, sum(predLeft, negative(predRight)))) return true;
    if (FLIPPED[gold.name] === pred.name && same(rest, sum(predRight, negative(predLeft)))) return true;
  }
  return gold.name === '=' && pred.name === '=' && sides.every(isExpression) && sameSolutions(gold, pred);
}

function same(a: Tree, b: Tree): boolean {
  return keyOf(a) === keyOf(b) || equalNumbers(a, b) || sameValue(a, b);
}

/**
 * sympy_solve_and_compare, as far as it can say yes. Equations in the same two or more letters agree if their sides differ by a
 * constant factor and one letter can be solved for. An equation that holds always or never (3 = 3, x = x + 1) has no solutions,
 * and the reference compares only as many as both have; with one letter it fails on its own result and says no.
 */
function sameSolutions(gold: Tree, pred: Tree): boolean {
  const letters = [...freeSymbols(gold)].sort();
  const others = [...freeSymbols(pred)].sort();
  const rest = ({ args }: Tree): Tree => sum(args[0] as Tree, negative(args[1] as Tree));
  if (some(gold, isUnknownFunction) || some(pred, isUnknownFunction)) return false;
  const solvable = (tree: Tree, names: readonly string[]): boolean =>
    names.length < 2 || isConstant(rest(tree)) || names.some((name) => isLinearIn(rest(tree), name));
  if (isConstant(rest(gold)) || isConstant(rest(pred))) return solvable(gold, letters) && solvable(pred, others);
  if (letters.length < 2 || letters.join() !== others.join()) return false;
  return solvable(gold, letters) && differByFactor(rest(gold), rest(pred));
}

function isUnknownFunction({ kind, name }: Tree): boolean {
  return kind === 'apply' && name.startsWith('f:');
}
