import { grade, readingOf } from '../method/answers/answer-equivalence.ts';
import type { Oracle } from './oracle.ts';

const VERSION = 1;

/** Knows the answers of a run's anchors, and of nothing else. @param items the set, as stored with the run */
export function knownAnswers(items: readonly { question: string; answer: string }[]): Oracle {
  const answers = new Map(items.map(({ question, answer }) => [question, answer]));
  return {
    name: 'anchors',
    ask: ({ question, label }) => {
      const truth = answers.get(question);
      if (truth === undefined) return undefined;
      return { version: VERSION, truth, agrees: grade(label, truth, 'default', readingOf(question)) };
    },
  };
}
