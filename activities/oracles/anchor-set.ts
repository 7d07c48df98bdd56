/**
 * Questions with known answers that are voted on beside the generated ones: a file that the run names, or `anchors.jsonl` in the model's
 * folder. The form is that of held-out questions (../question-set.ts).
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readConfigOf } from '../engine/model-files.ts';
import { RZeroError } from '../errors.ts';
import { isAbsent } from '../held-out.ts';
import { solverPrompt } from '../profile.ts';
import type { ModelProfile } from '../profile.ts';
import { parseQuestionSet } from '../question-set.ts';
import type { RunConfig } from '../run-input.ts';
import { tokenizerOf } from '../store.ts';
import type { EvaluationSet } from '../../db/queries/evaluation-sets.ts';
import type { AnchorSettings } from './settings.ts';

const FILE = 'anchors.jsonl';
const FORM = 'Each line needs {"question": string, "answer": string}.';

/**
 * The whole file, of which a run takes the first `questions`.
 *
 * @param modelDir the model's folder or file
 * @throws RZeroError `RunInputInvalid`, which names the file and the line
 */
export async function loadAnchors(modelDir: string, { file, questions }: AnchorSettings): Promise<EvaluationSet> {
  const path = file === undefined ? join(modelDir, FILE) : resolve(file);
  const field = 'oracles.anchors.file';
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const reason = isAbsent(error) ? 'is not there' : `cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw new RZeroError('RunInputInvalid', `The file of anchors ${path} ${reason}.`, {
      field,
      fix:
        file === undefined
          ? `The model brings no ${FILE}: name a file on the worker.`
          : 'Name a file that the worker can read.',
      cause: error,
    });
  }
  const set = parseQuestionSet(
    text,
    (line, reason) =>
      new RZeroError('RunInputInvalid', `Anchor at ${path}:${line} cannot be read: ${reason}.`, { field, fix: FORM }),
  );
  const [twice] = duplicates(set.items);
  if (twice !== undefined) {
    throw new RZeroError('RunInputInvalid', `The file of anchors ${path} has ${JSON.stringify(twice)} twice.`, {
      field,
      fix: 'Keep one of them.',
    });
  }
  if (set.items.length < questions) {
    throw new RZeroError(
      'RunInputInvalid',
      `Run input: "oracles.anchors.questions" is ${questions}, but ${path} has ${set.items.length}.`,
      { field: 'oracles.anchors.questions', fix: `Choose ${set.items.length} at most, or add questions to the file.` },
    );
  }
  return set;
}

/** An anchor that leaves the Solver no room to answer would fail its whole shard; better said before the run begins. */
export async function refuseLongAnchors(
  place: { dataDir: string },
  checkpointId: string,
  { folder, profile, config }: { folder: string; profile: ModelProfile; config: RunConfig },
  items: readonly { question: string }[],
): Promise<void> {
  const { maxPositions } = await readConfigOf(folder);
  const room = maxPositions - config.solver.maxTokens;
  const tokenizer = await tokenizerOf(place, checkpointId);
  const asked = items.slice(0, config.oracles?.anchors?.questions);
  const long = asked.findIndex(({ question }) => tokenizer.encode(solverPrompt(profile, question)).length > room);
  if (long < 0) return;
  throw new RZeroError('RunInputInvalid', `Anchor ${long + 1} leaves the Solver no room for an answer.`, {
    field: 'oracles.anchors',
    fix: `Prompts may have ${room} tokens: take it out, or choose a smaller "solver.maxTokens".`,
  });
}

function duplicates(items: readonly { question: string }[]): string[] {
  const seen = new Set<string>();
  return items.flatMap(({ question }) => (seen.size === seen.add(question).size ? [question] : []));
}

/** The anchors of a labelling shard, with their numbers in the set: dealt out in turn, so that each is asked once an iteration. */
export function anchorsOf<T>(items: readonly T[], shard: number, shards: number): { item: number; anchor: T }[] {
  return items.flatMap((anchor, item) => (item % shards === shard ? [{ item, anchor }] : []));
}
