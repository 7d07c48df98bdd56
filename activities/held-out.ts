/** The held-out questions that come with a model: `held-out.jsonl`, one `{"question", "answer"}` a line. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RZeroError } from './errors.ts';
import { parseQuestionSet } from './question-set.ts';
import type { EvaluationSet } from '../db/queries/evaluation-sets.ts';

/** @returns undefined when the model has no such file, or an empty one: nothing is evaluated then. */
export async function loadHeldOut(modelDir: string): Promise<EvaluationSet | undefined> {
  const path = join(modelDir, 'held-out.jsonl');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  const set = parseQuestionSet(text, (line, reason) => unreadable(`${path}:${line}`, reason));
  return set.items.length === 0 ? undefined : set;
}

/** True when there is no such file; a model that is one file, and no folder, has none beside it. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function unreadable(where: string, reason: string): RZeroError {
  return new RZeroError('ModelUnreadable', `Held-out question at ${where} cannot be read: ${reason}.`, {
    field: 'model',
    fix: 'Each line needs {"question": string, "answer": string}.',
  });
}
