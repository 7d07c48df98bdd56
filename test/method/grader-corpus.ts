/** Reads `grader-corpus.jsonl`: pairs of answers with the judgement that a careful mathematician would give, made before the grader's. */
import { readFileSync } from 'node:fs';
import { percentSense } from '../../activities/method/answers/percent-sense.ts';
import type { AnswerOptions } from '../../activities/method/answers/answer-canonical.ts';

export interface GraderPair {
  family: string;
  given: string;
  truth: string;
  equal: boolean;
  /** Where the judgement depends on what was asked. */
  question?: string;
  /** Why, where it may surprise. */
  note?: string;
}

export function graderCorpus(): GraderPair[] {
  const text = readFileSync(new URL('./grader-corpus.jsonl', import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as GraderPair);
}

export function optionsOf({ question }: GraderPair): AnswerOptions {
  return question === undefined ? {} : { percentMeans: percentSense(question) };
}
