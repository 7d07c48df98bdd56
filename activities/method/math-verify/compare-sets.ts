/**
 * Sets, intervals and tuples: `sympy_compare_sets` and its helpers of math_verify/grader.py (0.7.0). SymPy's set algebra is
 * reproduced for what answers hold: unions and differences of intervals and points of the real line.
 */
import { isSet } from './build.ts';
import { unwrapped } from './relations.ts';
import { finiteSet, freeSymbols, keyOf, node, type Tree } from './tree.ts';
import { realNumber } from './value.ts';

type Equal = (gold: Tree, pred: Tree) => boolean;

export function compareSets(answer: Tree, response: Tree, equal: Equal): boolean {
  const asCollection = (tree: Tree): Tree => (isSet(tree) || tree.kind === 'tuple' ? tree : finiteSet([tree]));
  const gold = asCollection(answer);
  const pred = asCollection(response);
  if (gold.kind === 'interval' && pred.kind === 'interval') {
    return gold.name === pred.name && gold.args.every((end, index) => equal(end, pred.args[index] as Tree));
  }
  if (keyOf(gold) === keyOf(pred)) return true;
  if (isSet(gold) && isSet(pred) && isPlain(gold) && isPlain(pred)) {
    const [left, right] = [piecesOf(gold), piecesOf(pred)];
    if (left !== null && right !== null && samePieces(left, right)) return true;
  }
  const listed = (tree: Tree): boolean => tree.kind === 'set' || tree.kind === 'tuple' || isEmpty(tree);
  if (listed(gold) && listed(pred)) return compareLists(gold, pred, equal);
  // (1,2) is read as an interval, 1,2 as a set.
  const pair = (interval: Tree): Tree => node('tuple', interval.args);
  const openPair = (interval: Tree, list: Tree): boolean =>
    interval.kind === 'interval' && interval.name === '()' && listed(list) && list.args.length === 2;
  if (openPair(gold, pred)) return compareLists(pair(gold), pred, equal);
  return openPair(pred, gold) && compareLists(gold, pair(pred), equal);
}

/** SymPy tells the elements of two lists apart only if they are numbers as they stand. */
function isPlain(set: Tree): boolean {
  return set.kind !== 'set' || set.args.every(({ value }) => value !== undefined);
}

function isEmpty(tree: Tree): boolean {
  return tree.kind === 'domain' && tree.name === 'empty';
}

/** Element by element: both in the order of their values if the answer is a set, both as written if it is a tuple. */
function compareLists(gold: Tree, pred: Tree, equal: Equal): boolean {
  if (gold.args.length !== pred.args.length) return false;
  const asWritten = gold.kind === 'tuple';
  const left = asWritten ? gold.args : sorted(gold.args);
  const right = asWritten ? pred.args : sorted(pred.args);
  return left.every((element, index) => equal(element, right[index] as Tree));
}

/** default_sort_key of the evaluated elements: numbers by value, then the rest by shape. */
function sorted(elements: readonly Tree[]): readonly Tree[] {
  return elements
    .map((element) => ({ element, value: realNumber(unwrapped(element)), key: keyOf(unwrapped(element)) }))
    .sort((a, b) => {
      const [left, right] = [Number.isNaN(a.value), Number.isNaN(b.value)];
      if (left !== right) return left ? 1 : -1;
      if (!left && a.value !== b.value) return a.value - b.value;
      return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
    })
    .map(({ element }) => element);
}

/** A stretch of the real line between two values, each end included or not. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly fromOpen: boolean;
  readonly toOpen: boolean;
}

/** Disjoint stretches in order, or null for a set that is no such union. */
function piecesOf(set: Tree): Piece[] | null {
  if (freeSymbols(set).size > 0) return null;
  const point = (value: number): Piece => ({ from: value, to: value, fromOpen: false, toOpen: false });
  switch (set.kind) {
    case 'domain':
      if (set.name === 'empty') return [];
      return set.name === 'reals' ? [{ from: -Infinity, to: Infinity, fromOpen: true, toOpen: true }] : null;
    case 'set': {
      const values = set.args.map(realNumber);
      return values.some(Number.isNaN) ? null : joined(values.map(point));
    }
    case 'interval': {
      const [from, to] = set.args.map(realNumber) as [number, number];
      if (Number.isNaN(from) || Number.isNaN(to)) return null;
      return [{ from, to, fromOpen: set.name[0] === '(', toOpen: set.name[1] === ')' }];
    }
    case 'union':
    case 'intersection':
    case 'complement': {
      const [left, right] = set.args.map(piecesOf);
      if (left === null || right === null || left === undefined || right === undefined) return null;
      if (set.kind === 'union') return joined([...left, ...right]);
      return common(left, set.kind === 'complement' ? gaps(right) : right);
    }
    default:
      return null;
  }
}

function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of [...pieces].sort((a, b) => a.from - b.from || Number(a.fromOpen) - Number(b.fromOpen))) {
    const last = result[result.length - 1];
    const touches =
      last !== undefined && (piece.from < last.to || (piece.from === last.to && !(piece.fromOpen && last.toOpen)));
    if (last === undefined || !touches) result.push(piece);
    else if (piece.to > last.to) result[result.length - 1] = { ...last, to: piece.to, toOpen: piece.toOpen };
    else if (piece.to === last.to) result[result.length - 1] = { ...last, toOpen: last.toOpen && piece.toOpen };
  }
  return result;
}

function common(left: readonly Piece[], right: readonly Piece[]): Piece[] {
  return joined(
    left.flatMap((a) =>
      right.flatMap((b) => {
        const from = Math.max(a.from, b.from);
        const to = Math.min(a.to, b.to);
        const fromOpen = (a.from === from && a.fromOpen) || (b.from === from && b.fromOpen);
        const toOpen = (a.to === to && a.toOpen) || (b.to === to && b.toOpen);
        return from < to || (from === to && !fromOpen && !toOpen) ? [{ from, to, fromOpen, toOpen }] : [];
      }),
    ),
  );
}

function gaps(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  let from = -Infinity;
  let fromOpen = true;
  for (const piece of pieces) {
    if (piece.from > -Infinity) result.push({ from, to: piece.from, fromOpen, toOpen: !piece.fromOpen });
    from = piece.to;
    fromOpen = !piece.toOpen;
  }
  if (from < Infinity) result.push({ from, to: Infinity, fromOpen, toOpen: true });
  return result;
}

function samePieces(left: readonly Piece[], right: readonly Piece[]): boolean {
  const near = (a: number, b: number): boolean => a === b || Math.abs(a - b) <= 1e-14 * Math.max(1, Math.abs(a));
  return (
    left.length === right.length &&
    left.every((a, index) => {
      const b = right[index] as Piece;
      return near(a.from, b.from) && near(a.to, b.to) && a.fromOpen === b.fromOpen && a.toOpen === b.toOpen;
    })
  );
}
