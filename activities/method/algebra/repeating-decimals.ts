/** Decimals that go on: 0.1\overline{6}, 0.1(6) and 0.1666... */
import { NotAnExpression } from './not-an-expression.ts';

const MARKED = /^(?:\\overline\{(\d{1,30})\}|\((\d{1,30})\))/;
/** As many characters behind a number are looked at. */
export const MARK_LENGTH = 45;
const MAX_DECIMALS = 60;

export interface Repeating {
  num: bigint;
  den: bigint;
  /** Characters of the mark behind the digits. */
  markLength: number;
}

/** The fraction that `number` (with a decimal point) stands for when its last digits repeat; null when nothing says so. */
export function readRepeating(number: string, behind: string): Repeating | null {
  const decimals = number.slice(number.indexOf('.') + 1);
  const marked = MARKED.exec(behind);
  if (marked !== null) return repeating(number, decimals, marked[1] ?? marked[2] ?? '', marked[0].length);
  if (!behind.startsWith('...')) return null;
  const period = shortestPeriod(decimals);
  if (period === null) throw new NotAnExpression('decimals that go on');
  return repeating(number, decimals, period, 3);
}

function repeating(number: string, decimals: string, period: string, markLength: number): Repeating | null {
  if (!/^[\d,]*\.\d*$/.test(number)) return null;
  const digits = number.replaceAll(',', '').replace('.', '');
  const num = BigInt(`${digits}${period}`) - BigInt(digits || '0');
  return { num, den: (10n ** BigInt(period.length) - 1n) * 10n ** BigInt(decimals.length), markLength };
}

/** The block of digits that the decimals end with three times (twice, if it is longer than one digit); null without one. */
function shortestPeriod(decimals: string): string | null {
  if (decimals.length > MAX_DECIMALS) return null;
  for (let length = 1; 2 * length <= decimals.length; length += 1) {
    const block = decimals.slice(-length);
    if (decimals.endsWith(block.repeat(length === 1 ? 3 : 2))) return block;
  }
  return null;
}
