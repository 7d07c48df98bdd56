/** The question sets that a run was evaluated on, as they are stored. */
import type pg from 'pg';
import { evaluationUnits } from '../evaluation-sets/units.ts';
import type { EvaluationUnit } from '../evaluation-sets/units.ts';
import type { RunConfig } from '../run-input.ts';
import { readQuestionSet } from '../../db/queries/evaluation-sets.ts';
import type { EvaluationSet } from '../../db/queries/evaluation-sets.ts';
import { readRunSets } from '../../db/queries/run-sets.ts';
import type { RunSet } from '../../db/queries/run-sets.ts';
import type { RunRow } from '../../db/queries/runs.ts';

export interface EvaluationSets {
  heldOut: EvaluationSet | undefined;
  /** In the order of the run's input. */
  named: readonly { run: RunSet; items: EvaluationSet['items'] }[];
}

export async function readEvaluationSets(database: pg.Pool, run: RunRow): Promise<EvaluationSets> {
  const named: { run: RunSet; items: EvaluationSet['items'] }[] = [];
  for (const set of await readRunSets(database, run.runId)) {
    named.push({ run: set, items: (await readQuestionSet(database, set.setHash))?.items ?? [] });
  }
  return { heldOut: await readQuestionSet(database, run.heldOutHash), named };
}

export interface PlannedEvaluation {
  unit: EvaluationUnit;
  setHash: string;
  /** All of the set. */
  items: EvaluationSet['items'];
}

/** @returns undefined for a unit that such a run does not have */
export function evaluationOf(
  config: RunConfig,
  unit: number,
  { heldOut, named }: EvaluationSets,
): PlannedEvaluation | undefined {
  const units = evaluationUnits(
    config,
    heldOut?.items.length ?? 0,
    named.map(({ run }) => run),
  );
  const planned = units[unit];
  if (!planned) return undefined;
  const { set } = planned;
  if (set) return { unit: planned, setHash: set.setHash, items: named[set.position]!.items };
  return heldOut && { unit: planned, setHash: heldOut.hash, items: heldOut.items };
}
