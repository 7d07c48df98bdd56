/** What oracles say of a run's labels, for people. */
import type { LabelAccuracy } from '../../db/queries/oracles.ts';
import { count, isNumber, percent } from './numbers.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';

/** ` (64.0–77.5)`: an interval in percent, to stand behind its estimate; empty when there is none. */
export function within(lower: number | null, upper: number | null): string {
  if (!isNumber(lower) || !isNumber(upper)) return '';
  return ` (${(lower * 100).toFixed(1)}–${(upper * 100).toFixed(1)})`;
}

/** One line an iteration and oracle. */
export function renderLabelAccuracy(rows: readonly LabelAccuracy[]): string {
  const keys = new Set(rows.map(({ iteration, oracle }) => JSON.stringify([iteration, oracle])));
  return plainTable(
    ['iteration', 'oracle', 'kept labels true', 'all labels true', 'verdicts', 'undecided'],
    [...keys].map((key) => {
      const [iteration, oracle] = JSON.parse(key) as [number, string];
      const own = rows.filter((row) => row.iteration === iteration && row.oracle === oracle);
      const cell = (kept: boolean | null): string => {
        const row = own.find((candidate) => candidate.kept === kept);
        return `${percent(row?.label_accuracy)}${row ? within(row.lower, row.upper) : ''}`;
      };
      const all = own.find(({ kept }) => kept === null);
      return [String(iteration), printable(oracle), cell(true), cell(null), count(all?.audited), count(all?.undecided)];
    }),
    2,
  );
}
