/** Files of questions with answers: one JSON object `{"question", "answer"}` a line; other fields are left alone. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { EvaluationSet } from '../db/queries/evaluation-sets.ts';

const item = z.object({ question: z.string().min(1), answer: z.string().min(1) });

/**
 * @param text the file; its hash is that of the set
 * @param refuse given the number of the line at fault, from 1, and what is wrong with it
 */
export function parseQuestionSet(text: string, refuse: (line: number, reason: string) => Error): EvaluationSet {
  const items = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw refuse(index + 1, 'no JSON');
    }
    const parsed = item.safeParse(value);
    if (parsed.success) return [parsed.data];
    const [issue] = parsed.error.issues;
    throw refuse(index + 1, `${issue!.path.join('.') || 'line'}: ${issue!.message}`);
  });
  return { items, hash: createHash('sha256').update(text).digest('hex') };
}
