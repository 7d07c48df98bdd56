/**
 * How a judge is asked, and how its reply is read. A prompt with `{answer}` shows the label and asks whether it is right; one without
 * asks for the answer, which code then compares with the label. Stored in full, with its hash, wherever a judge was asked.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { RZeroError } from '../errors.ts';
import { grade, readingOf } from '../method/answers/answer-equivalence.ts';
import { extractBoxed } from '../method/boxed.ts';
import type { Claim } from './oracle.ts';

const SHIPPED = fileURLToPath(new URL('../prompts/judge', import.meta.url));
const NAMES = ['verify', 'solve'];

const promptFile = z.strictObject({
  version: z.literal(1),
  messages: z
    .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string().min(1) }))
    .min(1)
    .refine((messages) => messages.some(({ content }) => content.includes('{question}')), 'nothing asks {question}'),
  /** What a judge must get right before it is asked anything else: right and wrong answers that are known to be. */
  cases: z
    .array(z.strictObject({ question: z.string().min(1), answer: z.string().min(1), correct: z.boolean() }))
    .min(4)
    .refine((cases) => new Set(cases.map(({ correct }) => correct)).size === 2, 'needs right answers and wrong ones'),
});

export type JudgePrompt = z.output<typeof promptFile>;

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/**
 * @param name `verify`, `solve`, or the path of a file
 * @throws RZeroError `RunInputInvalid` when there is none of that name, or it cannot be used
 */
export function loadJudgePrompt(name: string): JudgePrompt {
  const field = 'oracles.judge.prompt';
  const path = NAMES.includes(name) ? resolve(SHIPPED, `${name}.json`) : resolve(name);
  if (!existsSync(path)) {
    throw new RZeroError('RunInputInvalid', `There is no judge prompt "${name}" on this machine.`, {
      field,
      fix: `Give ${NAMES.join(' or ')}, or the path of a file on the worker's machine.`,
    });
  }
  try {
    return promptFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const reason =
      error instanceof z.ZodError
        ? error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`)[0]
        : (error as Error).message.split('\n')[0];
    throw new RZeroError('RunInputInvalid', `The judge prompt in ${path} cannot be used: ${reason}.`, {
      field,
      fix: 'It needs {"version": 1, "messages": [{"role", "content"}], "cases": [{"question", "answer", "correct"}]}, with {question} in a message, and {answer} where the label is to be shown.',
      cause: error,
    });
  }
}

export function promptHash(prompt: JudgePrompt): string {
  const messages = prompt.messages.map(({ role, content }) => [role, content]);
  const cases = prompt.cases.map(({ question, answer, correct }) => [question, answer, correct]);
  return createHash('sha256')
    .update(JSON.stringify([prompt.version, messages, cases]))
    .digest('hex');
}

export function showsLabel({ messages }: JudgePrompt): boolean {
  return messages.some(({ content }) => content.includes('{answer}'));
}

/** Both are put in at once: a question that spells `{answer}` stays as it is. */
export function messagesFor({ messages }: JudgePrompt, { question, label }: Claim): ChatMessage[] {
  const values: Record<string, string> = { '{question}': question, '{answer}': label };
  return messages.map(({ role, content }) => ({
    role,
    content: content.replace(/\{question\}|\{answer\}/g, (name) => values[name] as string),
  }));
}

const YES = /^(?:yes|true|right|correct)$/i;
const NO = /^(?:no|false|wrong|incorrect)$/i;

/** What a reply says of the label: by its last box. Nothing readable is no verdict. */
export function readReply(
  prompt: JudgePrompt,
  { question, label }: Claim,
  reply: string,
): { truth: string | null; agrees: boolean | null } {
  const boxed = extractBoxed(reply)?.trim() ?? '';
  if (!showsLabel(prompt)) {
    if (boxed === '') return { truth: null, agrees: null };
    return { truth: boxed, agrees: grade(label, boxed, 'default', readingOf(question)) };
  }
  const word = boxed
    .replace(/[.!\s]+$/, '')
    .replace(/^\\text\{(.*)\}$/s, '$1')
    .trim();
  return { truth: null, agrees: YES.test(word) ? true : NO.test(word) ? false : null };
}
