import { createHash } from 'node:crypto';
import { RZeroError } from '../errors.ts';
import type { EvaluationSet } from '../../db/queries/evaluation-sets.ts';
import { FieldError, Row } from './fields.ts';
import type { SetItem } from './item.ts';
import { LOADERS, type LoaderName } from './loaders.ts';
import { readRows } from './rows.ts';

/**
 * A set from the files that it is published in, in their order. Its hash is that of its questions: the same set as Parquet and as JSON
 * lines is one set.
 *
 * @param field of the input that names the files, for errors
 * @throws RZeroError `RunInputInvalid`, which names the file and the line or row
 */
export async function readSet(loader: LoaderName, paths: readonly string[], field: string): Promise<EvaluationSet> {
  const refuse = (where: string, reason: string): RZeroError =>
    new RZeroError('RunInputInvalid', `Evaluation set ${loader}: ${where}: ${reason}.`, {
      field,
      fix: `Give the file as it is published, JSON lines, a JSON list or Parquet: ${FORMS[loader]}.`,
    });
  const items: SetItem[] = [];
  for (const path of paths) {
    for (const { where, value } of await readRows(path, refuse)) {
      try {
        items.push(LOADERS[loader].read(new Row(value)));
      } catch (error) {
        if (error instanceof FieldError) throw refuse(where, error.message);
        throw error;
      }
    }
  }
  if (items.length === 0) throw refuse(paths.join(', ') || 'no file', 'has no question');
  return {
    items,
    hash: createHash('sha256')
      .update(JSON.stringify(['r-zero-set-1', items]))
      .digest('hex'),
  };
}

/** What each row must have. */
const FORMS: Record<LoaderName, string> = {
  gsm8k: '{"question", "answer" that ends in "#### number"}',
  'math-500': '{"problem", "answer", "subject"?}',
  amc23: '{"question", "answer"}',
  minerva: '{"problem", "answer"}',
  olympiadbench: '{"question", "final_answer": [text, …]}',
  aime24: '{"problem", "answer"}',
  aime25: '{"problem", "answer"}',
  supergpqa: '{"question", "options": [2 to 10 texts], "answer_letter", "discipline"?}',
  'mmlu-pro': '{"question", "options": [2 to 10 texts], "answer" (its letter), "category"?}',
  bbeh: '{"question", "answer", "task"?}',
  file: '{"question", "answer" (a letter where there are choices), "choices"?: [2 to 10 texts], "category"?}',
};
