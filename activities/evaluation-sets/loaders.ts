/**
 * The evaluation sets of the paper: the fields of their published files, how the public code asks and grades them
 * (`Chengsong-Huang/R-Zero`, evaluation/datasets_loader.py, generate.py, eval_supergpqa.py, eval_mmlupro.py, eval_bbeh.py), and what the
 * paper reports. `file` is any other set.
 */
import type { ChatMessage } from '../engine/chat-template.ts';
import { FieldError, choiceItem, listField, textField, type Row } from './fields.ts';
import { shownQuestion, type SetItem } from './item.ts';

export type GraderName = 'official' | 'default';

export interface SetLoader {
  /** In plain words. */
  label: string;
  area: 'math' | 'general' | 'other';
  /** What the paper reports: greedy accuracy, or the mean over samples. */
  measure: 'greedy' | 'mean';
  /** Beside the greedy answer. */
  samples: number;
  /** Longest answer in the public code. */
  maxTokens: number;
  /** Whether an official grading is by math-verify or by BBEH's fuzzy match; choices are always graded by their letter. */
  official: 'math-verify' | 'bbeh';
  /** When the run does not say. */
  grader: GraderName;
  /** One row of a file. Throws `FieldError`. */
  read: (row: Row) => SetItem;
  /** What the user says. */
  ask: (item: SetItem) => string;
  /** Around `{question}`. */
  messages: readonly ChatMessage[];
  /** On the hub; undefined where a file must be named. */
  hub?: { id: string; files: RegExp };
}

const STEP_BY_STEP = 'Please reason step by step, and put your final answer within \\boxed{}.';
const CHOOSE = 'Please reason step by step, and put your final answer option within \\boxed{}.';
const ONLY_LETTER = (letter: string): string =>
  `${CHOOSE} Only put the ${letter} in the box, e.g. \\boxed{A}. There is only one correct answer.`;
const ONE_DATA_FILE = (split: string): RegExp =>
  new RegExp(`(?:^|/)${split}(?:-\\d+-of-\\d+)?(?:-[0-9a-f]+)?\\.(?:parquet|jsonl|json)$`);

const USER = { role: 'user', content: '{question}' } as const;

const math = (
  label: string,
  hub: SetLoader['hub'] & object,
  read: SetLoader['read'],
  competition = false,
): SetLoader => ({
  label,
  area: 'math',
  measure: competition ? 'mean' : 'greedy',
  samples: competition ? 32 : 0,
  maxTokens: 4096,
  official: 'math-verify',
  grader: 'official',
  read,
  ask: ({ question }) => question,
  messages: [{ role: 'system', content: STEP_BY_STEP }, USER],
  hub,
});

const general = (
  label: string,
  hub: SetLoader['hub'] & object,
  read: SetLoader['read'],
  instruction: string,
): SetLoader => ({
  label,
  area: 'general',
  measure: 'greedy',
  samples: 0,
  maxTokens: 8192,
  official: 'bbeh',
  grader: 'official',
  read,
  ask: (item) => `${shownQuestion(item)}\n\n${instruction}`,
  messages: [USER],
  hub,
});

const problem = (row: Row): SetItem => ({ question: textField(row, 'problem'), answer: textField(row, 'answer') });

export const LOADERS = {
  gsm8k: math('GSM8K', { id: 'openai/gsm8k', files: /^main\/test[^/]*\.parquet$/ }, (row) => {
    const solution = textField(row, 'answer');
    const [, answer] = /#### *(\S[^\n]*?)\s*$/.exec(solution) ?? [];
    if (answer === undefined) throw new FieldError('"answer" does not end in "#### " and the number');
    return { question: textField(row, 'question'), answer };
  }),
  'math-500': math('MATH-500', { id: 'HuggingFaceH4/MATH-500', files: ONE_DATA_FILE('test') }, (row) => ({
    ...problem(row),
    ...(row.has('subject') ? { category: textField(row, 'subject') } : {}),
  })),
  amc23: math(
    'AMC 2023',
    { id: 'zwhe99/amc23', files: ONE_DATA_FILE('test') },
    (row) => ({ question: textField(row, 'question'), answer: textField(row, 'answer') }),
    true,
  ),
  minerva: math('Minerva Math', { id: 'zwhe99/simplerl-minerva-math', files: ONE_DATA_FILE('test') }, problem),
  olympiadbench: math(
    'OlympiadBench',
    { id: 'zwhe99/simplerl-OlympiadBench', files: ONE_DATA_FILE('test') },
    (row) => ({ question: textField(row, 'question'), answer: listField(row, 'final_answer')[0]! }),
  ),
  aime24: math('AIME 2024', { id: 'HuggingFaceH4/aime_2024', files: ONE_DATA_FILE('train') }, problem, true),
  aime25: math('AIME 2025', { id: 'yentinglin/aime_2025', files: ONE_DATA_FILE('train') }, problem, true),
  supergpqa: general(
    'SuperGPQA',
    { id: 'm-a-p/SuperGPQA', files: /\.(?:parquet|jsonl)$/ },
    (row) => choiceItem(row, { choices: 'options', letter: 'answer_letter', category: 'discipline' }),
    ONLY_LETTER('letter'),
  ),
  'mmlu-pro': general(
    'MMLU-Pro',
    { id: 'TIGER-Lab/MMLU-Pro', files: ONE_DATA_FILE('test') },
    (row) => choiceItem(row, { choices: 'options', letter: 'answer', category: 'category' }),
    ONLY_LETTER('option letter'),
  ),
  bbeh: general(
    'BIG-Bench Extra Hard',
    { id: 'MrLight/bbeh-eval', files: ONE_DATA_FILE('train') },
    (row) => ({
      question: textField(row, 'question'),
      answer: textField(row, 'answer'),
      ...(row.has('task') ? { category: textField(row, 'task') } : {}),
    }),
    CHOOSE,
  ),
  file: {
    label: 'a file of {"question", "answer", "choices"?, "category"?}',
    area: 'other',
    measure: 'greedy',
    samples: 0,
    maxTokens: 4096,
    official: 'math-verify',
    grader: 'default',
    read: (row) =>
      row.has('choices')
        ? choiceItem(row, { choices: 'choices', letter: 'answer', category: 'category' })
        : {
            question: textField(row, 'question'),
            answer: textField(row, 'answer'),
            ...(row.has('category') ? { category: textField(row, 'category') } : {}),
          },
    ask: (item) => (item.choices ? `${shownQuestion(item)}\n\n${ONLY_LETTER('letter')}` : item.question),
    messages: [{ role: 'system', content: STEP_BY_STEP }, USER],
  },
} as const satisfies Record<string, SetLoader>;

export type LoaderName = keyof typeof LOADERS;
export const LOADER_NAMES = Object.keys(LOADERS) as [LoaderName, ...LoaderName[]];

/** @param name as stored: of this version's loaders */
export const loaderOf = (name: string): SetLoader => LOADERS[name as LoaderName];
