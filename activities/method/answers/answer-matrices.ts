/** Matrices, column vectors and determinants, and multiples of them. */
import { NotComparable, type Algebra, type Value } from '../algebra/algebra.ts';
import { readValue } from './answer-value.ts';
import { NotAnExpression } from '../algebra/expression-parser.ts';
import { ONE, integer } from '../algebra/rational.ts';

const MATRIX =
  /^(.*?)(?:\(|\[)?\s*\\begin\s*\{([bpBvV]?matrix|smallmatrix|array)\}\s*(?:\{[lcr| ]*\})?(.*)\\end\s*\{\2\}\s*(?:\)|\])?$/s;
const MAX_ENTRIES = 64;
const MAX_DETERMINANT = 4;

/** Null for anything but a matrix with an optional factor in front. */
export function matrixKey(text: string, algebra: Algebra, inner: (part: string) => string): string | null {
  if (!text.includes('\\begin')) return null;
  const match = MATRIX.exec(text);
  if (match === null) return null;
  const [, factor = '', environment, body = ''] = match;
  if (body.includes('\\begin')) throw new NotAnExpression('more than one matrix');
  const rows = body
    .split(/\\\\|\\cr(?![a-zA-Z])/)
    .filter((row) => row.trim() !== '')
    .map((row) => row.split('&').map((cell) => cell.trim()));
  if (rows.reduce((count, row) => count + row.length, 0) > MAX_ENTRIES) throw new NotComparable('matrix too large');
  if (environment === 'Vmatrix') throw new NotAnExpression('norm of a matrix');
  const scale = readFactor(factor.trim(), algebra);
  if (environment === 'vmatrix') {
    const values = rows.map((row) => row.map((cell) => readValue(cell, algebra)));
    return `value:${algebra.key(algebra.multiply(scale, determinant(algebra, values)))}`;
  }
  if (factor.trim() === '') return keyOfRows(rows.map((row) => row.map((cell) => inner(cell))));
  return keyOfRows(
    rows.map((row) => row.map((cell) => `value:${algebra.key(algebra.multiply(scale, readValue(cell, algebra)))}`)),
  );
}

function readFactor(text: string, algebra: Algebra): Value {
  if (text === '' || text === '+') return algebra.constant(ONE);
  return text === '-' ? algebra.constant(integer(-1)) : readValue(text.replace(/(?:\*|\\cdot|\\times)$/, ''), algebra);
}

function keyOfRows(rows: readonly (readonly string[])[]): string {
  const column = rows.length > 1 && rows.every((row) => row.length === 1);
  if (column) return `tuple:(${rows.map((row) => row[0]).join('|')})`;
  return `matrix:[${rows.map((row) => row.join('|')).join(';')}]`;
}

/** [[1,2],[3,4]] is a matrix by rows; null for other lists. */
export function nestedListKey(open: string, close: string, keys: readonly string[]): string | null {
  if (open !== '[' || close !== ']') return null;
  const rows = keys.map((key) => /^tuple:\[([^[\]()]*)\]$/.exec(key)?.[1]?.split('|'));
  const width = rows[0]?.length ?? 0;
  if (!rows.every((row) => row !== undefined && row.length === width)) return null;
  return keyOfRows(rows as string[][]);
}

function determinant(algebra: Algebra, rows: readonly (readonly Value[])[]): Value {
  const size = rows.length;
  if (!rows.every((row) => row.length === size)) throw new NotAnExpression('not square');
  if (size > MAX_DETERMINANT) throw new NotComparable('determinant too large');
  const [first = [], ...others] = rows;
  if (size === 1) return first[0] as Value;
  let sum = algebra.constant(integer(0));
  first.forEach((entry, column) => {
    const minor = others.map((row) => row.filter((_, i) => i !== column));
    const term = algebra.multiply(entry, determinant(algebra, minor));
    sum = column % 2 === 0 ? algebra.add(sum, term) : algebra.subtract(sum, term);
  });
  return sum;
}
