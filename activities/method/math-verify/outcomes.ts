/**
 * Parsing with every choice open. The reference's parser takes, at each choice, the first alternative with which the whole text
 * can still be read; so a rule yields all the places where it may end, preferred first, and builds its value only once the
 * whole reading is known (a build may throw without spoiling other readings). One result per end keeps the work polynomial.
 */
import { Unparsable } from './tree.ts';

export interface Outcome<T> {
  readonly end: number;
  readonly build: () => T;
}
export type Rule<T> = (start: number) => readonly Outcome<T>[];

const MAX_DEPTH = 900;

/** Steps that the readings of one text share. */
export interface Work {
  steps: number;
}

export class Outcomes {
  readonly #memo = new Map<string, readonly Outcome<unknown>[]>();
  readonly #work: Work;
  #depth = 0;

  constructor(work: Work) {
    this.#work = work;
  }

  /** The rule with its results remembered by place; nesting and steps are bounded. */
  rule<T>(name: string, body: Rule<T>): Rule<T> {
    return (start) => {
      const key = `${name}@${start}`;
      const known = this.#memo.get(key);
      if (known !== undefined) return known as readonly Outcome<T>[];
      this.#work.steps -= 1;
      this.#depth += 1;
      if (this.#work.steps < 0 || this.#depth > MAX_DEPTH) throw new Unparsable('text too involved');
      const outcomes = body(start);
      this.#work.steps -= outcomes.length;
      const results = distinct(outcomes);
      this.#depth -= 1;
      this.#memo.set(key, results);
      return results;
    };
  }
}

function distinct<T>(outcomes: readonly Outcome<T>[]): readonly Outcome<T>[] {
  if (outcomes.length < 2) return outcomes;
  const seen = new Set<number>();
  return outcomes.filter(({ end }) => !seen.has(end) && seen.add(end));
}

/** A rule that is made later: rules refer to one another. */
export function lazy<T>(get: () => Rule<T>): Rule<T> {
  return (start) => get()(start);
}

/** Alternatives in order. */
export function choice<T>(...rules: readonly Rule<T>[]): Rule<T> {
  return (start) => rules.flatMap((rule) => rule(start));
}

/** a then b. */
export function sequence<A, B, T>(a: Rule<A>, b: Rule<B>, join: (a: A, b: B) => T): Rule<T> {
  return (start) =>
    a(start).flatMap((left) =>
      b(left.end).map((right) => ({ end: right.end, build: () => join(left.build(), right.build()) })),
    );
}

/** a then b, whose value alone counts. */
export function after<T>(a: Rule<unknown>, b: Rule<T>): Rule<T> {
  return (start) => a(start).flatMap((left) => b(left.end));
}

/** a then b, of which the first value alone counts. */
export function before<T>(a: Rule<T>, b: Rule<unknown>): Rule<T> {
  return (start) => a(start).flatMap((left) => b(left.end).map(({ end }) => ({ end, build: left.build })));
}

export function map<A, T>(rule: Rule<A>, convert: (value: A) => T): Rule<T> {
  return (start) => rule(start).map(({ end, build }) => ({ end, build: () => convert(build()) }));
}

/** Present if possible. */
export function optional<T>(rule: Rule<T>): Rule<T | null> {
  return (start) => [...rule(start), { end: start, build: () => null }];
}

/** first, then as many steps as possible, folded from the left. */
export function fold<T, S>(head: Rule<T>, step: Rule<S>, join: (left: T, step: S) => T): Rule<T> {
  return (start) => {
    const results: Outcome<T>[] = [];
    const seen = new Set<number>();
    const extend = (left: Outcome<T>): void => {
      if (seen.has(left.end)) return;
      seen.add(left.end);
      for (const next of step(left.end)) {
        if (next.end > left.end) extend({ end: next.end, build: () => join(left.build(), next.build()) });
      }
      results.push(left);
    };
    for (const outcome of head(start)) extend(outcome);
    return results;
  };
}

interface Chain<T> {
  readonly last: T;
  readonly before: Chain<T> | null;
}

/** A list of one or more items. */
export function many<T>(item: Rule<T>, separator?: Rule<unknown>): Rule<T[]> {
  return list(item, separator === undefined ? item : after(separator, item));
}

/** A first item, then as many others as possible. */
export function list<T>(head: Rule<T>, others: Rule<T>): Rule<T[]> {
  const chain = fold<Chain<T>, T>(
    map(head, (last) => ({ last, before: null })),
    others,
    (start, last) => ({ last, before: start }),
  );
  return map(chain, (end) => {
    const items: T[] = [];
    for (let link: Chain<T> | null = end; link !== null; link = link.before) items.push(link.last);
    return items.toReversed();
  });
}
