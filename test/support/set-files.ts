/** Questions of our own in the layouts in which the evaluation sets are published. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { LETTERS } from '../../activities/evaluation-sets/item.ts';
import type { LoaderName } from '../../activities/evaluation-sets/loaders.ts';

type PublishedRow = Record<string, unknown>;

const sum = (index: number): { question: string; answer: number } => {
  const [a, b, c] = [1 + (index % 9), 1 + ((index * 4) % 9), 1 + ((index * 7) % 9)] as const;
  return { question: `${a}+${b}+${c}`, answer: a + b + c };
};

const optionsOf = (answer: number, index: number): { options: string[]; letter: string } => {
  const place = index % 4;
  return {
    options: Array.from({ length: 4 }, (_, choice) => String(answer + choice - place)),
    letter: LETTERS.charAt(place),
  };
};

/** The row, and what a loader must make of it. */
const ROWS: Record<LoaderName, (index: number) => PublishedRow> = {
  gsm8k: (index) => {
    const { question, answer } = sum(index);
    return { question, answer: `Adding gives <<${question}=${answer}>>${answer}.\n#### ${answer}` };
  },
  'math-500': (index) => {
    const { question, answer } = sum(index);
    return { problem: question, solution: `It is $${answer}$.`, answer: String(answer), subject: 'Sums', level: 1 };
  },
  amc23: (index) => ({ id: index, ...sum(index) }),
  minerva: (index) => ({ problem: sum(index).question, answer: String(sum(index).answer), type: 'sums' }),
  olympiadbench: (index) => ({ question: sum(index).question, final_answer: [String(sum(index).answer)], unit: null }),
  aime24: (index) => ({ id: index, problem: sum(index).question, answer: String(sum(index).answer), year: '2024' }),
  aime25: (index) => ({ problem: sum(index).question, answer: String(sum(index).answer) }),
  supergpqa: (index) => {
    const { question, answer } = sum(index);
    const { options, letter } = optionsOf(answer, index);
    return { uuid: `u${index}`, question, options, answer: String(answer), answer_letter: letter, discipline: 'Sums' };
  },
  'mmlu-pro': (index) => {
    const { question, answer } = sum(index);
    const { options, letter } = optionsOf(answer, index);
    return { question_id: index, question, options, answer: letter, answer_index: index % 4, category: 'sums' };
  },
  bbeh: (index) => ({ question: sum(index).question, answer: String(sum(index).answer), task: 'sums' }),
  file: (index) => ({ question: sum(index).question, answer: String(sum(index).answer) }),
};

export const publishedRows = (loader: LoaderName, count: number): PublishedRow[] =>
  Array.from({ length: count }, (_, index) => ROWS[loader](index));

/** What each stand-in asks, whatever its layout. */
export const standIn = (index: number): { question: string; answer: string } => {
  const { question, answer } = sum(index);
  return { question, answer: String(answer) };
};

export const asLines = (rows: readonly PublishedRow[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

export function asParquet(rows: readonly PublishedRow[]): Buffer {
  const columnData = Object.keys(rows[0] ?? {}).map((name) => ({ name, data: rows.map((row) => row[name]) }));
  // Lists of texts have no type that is guessed; published files have them as lists.
  return Buffer.from(parquetWriteBuffer({ columnData }));
}
