/** Whether two answers are the same: by canonical form (`default`), or as mathruler 0.1.0 decides it (`official`). */
import { canonicalAnswer } from './answer-canonical.ts';
import { gradeOfficially } from './official-grader.ts';
import type { FrozenPreset, GraderName } from './presets.ts';

/**
 * True when `given` equals `truth`. `default` is an equivalence relation on strings; null and blank answers equal nothing, not even
 * each other. `official` is neither symmetric nor transitive. Never throws, and its work is bounded for any input.
 */
export function grade(given: string | null, truth: string | null, by: GraderName | FrozenPreset): boolean {
  const grader = typeof by === 'string' ? by : by.grader;
  if (given === null || truth === null) return false;
  if (grader === 'official') return gradeOfficially(given, truth);
  const left = canonicalAnswer(given);
  if (left.kind === 'empty') return false;
  const right = canonicalAnswer(truth);
  return right.kind !== 'empty' && left.key === right.key;
}
