/** Whether two answers are the same: by canonical form (`default`), or as mathruler 0.1.0 decides it (`official`). */
import { canonicalAnswer, type AnswerOptions, type CanonicalAnswer } from './answer-canonical.ts';
import { gradeOfficially } from '../official/official-grader.ts';
import { percentSense } from './percent-sense.ts';
import type { FrozenPreset, GraderName } from '../presets.ts';

/**
 * True when `given` equals `truth`. `default` is an equivalence relation on strings for any fixed options; null and blank answers equal
 * nothing, not even each other. `official` is neither symmetric nor transitive and takes no options. Never throws, and its work is
 * bounded for any input.
 */
export function grade(
  given: string | null,
  truth: string | null,
  by: GraderName | FrozenPreset,
  options: AnswerOptions = {},
): boolean {
  const grader = typeof by === 'string' ? by : by.grader;
  if (given === null || truth === null) return false;
  if (grader === 'official') return gradeOfficially(given, truth);
  return sameCanonically(canonicalAnswer(given, options), canonicalAnswer(truth, options));
}

/** How the answers to a question are read: what it asks for decides what a percent sign means. */
export function readingOf(question: string | undefined): AnswerOptions {
  return question === undefined ? {} : { percentMeans: percentSense(question) };
}

/** Equality of answers that were read under the same options. */
export function sameCanonically(a: CanonicalAnswer, b: CanonicalAnswer): boolean {
  return a.kind !== 'empty' && b.kind !== 'empty' && a.key === b.key;
}
