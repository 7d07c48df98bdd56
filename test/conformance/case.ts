import assert from 'node:assert/strict';

/** One recorded item and the check that our code gives what the reference gave. */
export interface Case {
  name: string;
  /** Throws an `AssertionError` that says what differs. */
  check: () => void;
}

/** Tolerance of distances, rewards and scores; that of the recorded file, `meta.tolerances`, is 1e-9. */
const TOLERANCE = 1e-9;

export function near(actual: number | undefined, expected: number, what: string, tolerance = TOLERANCE): void {
  const close = actual !== undefined && Math.abs(actual - expected) <= tolerance;
  assert.ok(close, `${what}: ${actual} is not ${expected}`);
}

/** A short name for an item that has none of its own. */
export function quote(...texts: readonly unknown[]): string {
  return texts
    .map((text) => JSON.stringify(text) ?? 'undefined')
    .map((text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text))
    .join(' | ');
}
