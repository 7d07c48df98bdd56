/** What all sections say of the runs in a report: their names, colours and iterations. */
import type { RunData } from './data.ts';
import type { Key } from './legend.ts';

export const COLOURS = ['a', 'b'] as const;

export const colourOf = ({ index }: RunData): string => COLOURS[index] ?? 'a';

/** Set apart in ids, and nothing for the only run. */
export const idOf = (name: string, { index }: RunData): string => (index === 0 ? name : `${name}-${index + 1}`);

/** `keys` of every run: the run's name is said only when there are two. */
export const keysOf = (runs: readonly RunData[], keys: readonly Omit<Key, 'colour'>[]): Key[] =>
  runs.flatMap((data) => keys.map((key) => ({ ...key, colour: colourOf(data), text: named(runs, data, key.text) })));

/** `kept, run demo` */
export const named = (runs: readonly RunData[], { run }: RunData, text: string): string =>
  runs.length === 1 ? text : text === '' ? run.runId : `${text}, ${run.runId}`;

/** A name as part of an id. */
export const slug = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');

export const iterationName = (iteration: number): string => (iteration === 0 ? 'base' : String(iteration));

/** At most `count` of them, evenly spread, first and last among them. */
export function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, index) => items[Math.round((index * (items.length - 1)) / (count - 1))]!);
}
