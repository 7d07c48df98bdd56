/** A question of an evaluation set, whatever file it came from. */
export interface SetItem {
  question: string;
  /** The true one; of a multiple choice its letter. */
  answer: string;
  /** Of a multiple choice, for the letters from A. */
  choices?: string[];
  /** Subject or task, where the set has one. */
  category?: string;
}

export const LETTERS = 'ABCDEFGHIJ';

/** The question with its choices, as the public code shows them (evaluation/eval_supergpqa.py:42-47). */
export function shownQuestion({ question, choices }: SetItem): string {
  if (!choices) return question;
  const options = choices.map((choice, index) => `(${LETTERS.charAt(index)}): ${choice}\n`).join('');
  return `${question}\nOptions are:\n${options}`;
}
