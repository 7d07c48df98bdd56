/** What an audit finds. Kept small whatever the run's size: counts for everything, details for what is wrong. */

export type Check =
  | 'run'
  | 'plan'
  | 'references'
  | 'checkpoints'
  | 'policy updates'
  | 'seeds'
  | 'texts'
  | 'questions'
  | 'answers'
  | 'votes'
  | 'decisions'
  | 'rollouts'
  | 'rewards'
  | 'evaluations'
  | 'anchors'
  | 'audits'
  | 'replay';

/** Key columns of a row with their values, under their SQL names. */
export type RowId = Readonly<Record<string, string | number>>;

export interface Mismatch {
  check: Check;
  /** In schema `r_zero`. */
  table: string;
  row: RowId;
  /** `missing`: a row that should be there is not; `unexpected`: one is there that should not; `differs`: a value is another. */
  problem: 'missing' | 'unexpected' | 'differs';
  /** Column, or file of a checkpoint, that differs. */
  column?: string;
  /** As text, long values cut. */
  expected?: string;
  actual?: string;
}

/** Mismatches of which the details are kept; of more there is the number. */
const MOST_MISMATCHES = 10_000;
const LONGEST_VALUE = 200;

export class Findings {
  /** Values compared, by check. */
  readonly examined = new Map<Check, number>();
  readonly found = new Map<Check, number>();
  readonly mismatches: Mismatch[] = [];
  /** Values that rest on a row which is reported already, and are taken as they are stored. */
  unverifiable = 0;
  /** Questions with a reported row of their own: what was made from them cannot be made again. */
  readonly brokenQuestions = new Set<number>();
  readonly #reported = new Set<string>();
  readonly #onMismatch: (mismatch: Mismatch) => void;

  constructor(onMismatch: (mismatch: Mismatch) => void = () => undefined) {
    this.#onMismatch = onMismatch;
  }

  get total(): number {
    return [...this.found.values()].reduce((sum, count) => sum + count, 0);
  }

  examine(check: Check, values = 1): void {
    this.examined.set(check, (this.examined.get(check) ?? 0) + values);
  }

  report(mismatch: Mismatch): void {
    this.found.set(mismatch.check, (this.found.get(mismatch.check) ?? 0) + 1);
    if (this.mismatches.length < MOST_MISMATCHES) {
      this.mismatches.push(mismatch);
      this.#reported.add(keyOf(mismatch.table, mismatch.row));
    }
    this.#onMismatch(mismatch);
  }

  /** Something is wrong with the row; more about it would be told twice. */
  isReported(table: string, row: RowId): boolean {
    return this.#reported.has(keyOf(table, row));
  }

  missing(check: Check, table: string, row: RowId): void {
    this.report({ check, table, row, problem: 'missing' });
  }

  unexpected(check: Check, table: string, row: RowId): void {
    this.report({ check, table, row, problem: 'unexpected' });
  }

  /**
   * Compares columns of a row with what they should hold; numbers may differ by rounding.
   *
   * @param actual the row, under its TypeScript names
   * @param expected the columns to compare, under theirs
   * @returns true when all are as they should be
   */
  compare(
    check: Check,
    table: string,
    row: RowId,
    actual: Readonly<Record<string, unknown>>,
    expected: Readonly<Record<string, unknown>>,
  ): boolean {
    let isSame = true;
    for (const [key, wanted] of Object.entries(expected)) {
      this.examine(check);
      const value = actual[key];
      if (isEqual(value, wanted)) continue;
      isSame = false;
      const column = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      this.report({ check, table, row, problem: 'differs', column, expected: textOf(wanted), actual: textOf(value) });
    }
    return isSame;
  }
}

const keyOf = (table: string, row: RowId): string => JSON.stringify([table, row]);

export function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number')
    return a === b || Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(b));
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return (a ?? null) === (b ?? null);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => isEqual(left[key], right[key]));
}

export function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}
