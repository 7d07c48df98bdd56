/** The held-out questions that come with a model: `held-out.jsonl`, one `{"question", "answer"}` a line. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RZeroError } from './errors.ts';
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
  const items = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => parseLine(line, `${path}:${index + 1}`));
  if (items.length === 0) return undefined;
  return { items, hash: createHash('sha256').update(text).digest('hex') };
}

/** True when there is no such file; a model that is one file, and no folder, has none beside it. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function parseLine(line: string, where: string): { question: string; answer: string } {
  try {
    const { question, answer } = JSON.parse(line) as { question?: unknown; answer?: unknown };
    if (typeof question === 'string' && typeof answer === 'string') return { question, answer };
  } catch (error) {
    throw unreadable(where, error);
  }
  throw unreadable(where);
}

function unreadable(where: string, cause?: unknown): RZeroError {
  return new RZeroError('ModelUnreadable', `Held-out question at ${where} cannot be read.`, {
    field: 'model',
    fix: 'Each line needs {"question": string, "answer": string}.',
    cause,
  });
}
