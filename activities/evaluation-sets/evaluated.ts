/** All questions that a run is evaluated on. */
import type pg from 'pg';
import type { EvaluatedSet } from '../method/gate/gate-iteration.ts';
import { readQuestionSet } from '../../db/queries/evaluation-sets.ts';
import { readRunSets } from '../../db/queries/run-sets.ts';
import type { RunRow } from '../../db/queries/runs.ts';

export interface Evaluated {
  /** Held-out questions of the model. */
  heldOut: readonly string[];
  sets: readonly EvaluatedSet[];
}

/** Of sets of multiple choice the questions alone: the choices are no part of what is asked. */
export async function readEvaluated(database: pg.Pool, run: Pick<RunRow, 'runId' | 'heldOutHash'>): Promise<Evaluated> {
  const questionsOf = async (hash: string | null): Promise<string[]> =>
    (await readQuestionSet(database, hash))?.items.map(({ question }) => question) ?? [];
  const sets: EvaluatedSet[] = [];
  for (const { setName, setHash } of await readRunSets(database, run.runId)) {
    sets.push({ name: setName, questions: await questionsOf(setHash) });
  }
  return { heldOut: await questionsOf(run.heldOutHash), sets };
}
