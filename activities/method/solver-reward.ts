/**
 * The Solver's reward for one rollout. arXiv 2508.05004, section 3.4: 1 if the answer equals the pseudo-label, else 0. Public code
 * (examples/reward_function/math.py:20-47): 0.9 accuracy + 0.1 for a `<think>` block that the prompt never asks for.
 */
import { canonicalAnswer, isIncomparable } from './answers/answer-canonical.ts';
import { grade, readingOf } from './answers/answer-equivalence.ts';
import { extractBoxed, extractBoxedOfficial } from './boxed.ts';
import { isPythonSpace } from './official/python-text.ts';
import type { FrozenPreset } from './presets.ts';

export interface SolverReward {
  /** accuracyWeight * accuracy + formatWeight * format. */
  total: number;
  accuracy: 0 | 1;
  format: 0 | 1;
  /** The answer that was graded; null without a box. */
  extracted: string | null;
  /** The answer is beyond the bounds of the grader's work: an accuracy of 0 says that it was not compared, not that it is wrong. */
  incomparable: boolean;
}

/** Rewards one completion against the pseudo-label of its question, which decides how a percent sign is read. */
export function solverReward(
  completionText: string,
  label: string,
  preset: FrozenPreset,
  context: { question?: string } = {},
): SolverReward {
  const { accuracyWeight, formatWeight } = preset.solverReward;
  const official = preset.name === 'official-code';
  const text = official ? joinAroundMarks(completionText) : completionText;
  const answer = preset.grader === 'official' ? extractBoxedOfficial(text) : extractBoxed(text);
  const reading = readingOf(context.question);
  const accuracy = grade(answer, label, preset.grader, reading) ? 1 : 0;
  const format = hasThinkFormat(text) ? 1 : 0;
  return {
    total: accuracyWeight * accuracy + formatWeight * format,
    accuracy,
    format,
    extracted: answer === 'None' && preset.grader === 'official' ? null : answer,
    incomparable: answer !== null && isIncomparable(canonicalAnswer(answer, reading)),
  };
}

/** `re.sub(r"\s*(<|>|/)\s*", r"\1", text)` in one pass: the expression itself is quadratic in runs of spaces. */
function joinAroundMarks(text: string): string {
  const pieces: string[] = [];
  let start = 0;
  let i = 0;
  while (i < text.length) {
    const character = text.charAt(i);
    if (character !== '<' && character !== '>' && character !== '/') {
      i += 1;
      continue;
    }
    let end = i;
    while (end > start && isPythonSpace(text.charAt(end - 1))) end -= 1;
    pieces.push(text.slice(start, end), character);
    i += 1;
    while (i < text.length && isPythonSpace(text.charAt(i))) i += 1;
    start = i;
  }
  pieces.push(text.slice(start));
  return pieces.join('');
}

/** Full match of `<think>.*</think>.*\\boxed\{.*\}.*` with dots for every character, by the earliest place of each part. */
function hasThinkFormat(text: string): boolean {
  if (!text.startsWith('<think>')) return false;
  const close = text.indexOf('</think>', '<think>'.length);
  if (close === -1) return false;
  const box = text.indexOf('\\boxed{', close + '</think>'.length);
  return box !== -1 && text.includes('}', box + '\\boxed{'.length);
}
