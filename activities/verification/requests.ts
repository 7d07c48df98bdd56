import type { EvaluationSet } from '../../db/queries/evaluation-sets.ts';
import type { Place } from '../../db/queries/units.ts';
import type { UnitRecord } from '../../db/queries/verification.ts';
import type { VerifyContext } from './context.ts';
import type { Generation } from './generations.ts';

/** Every request of the run whose size its units tell; a unit of an older version may not, and is not drawn from. */
export function requestsOf(
  { settingsOf }: VerifyContext,
  units: readonly UnitRecord[],
  heldOut: EvaluationSet | undefined,
): Generation[] {
  return units.flatMap((record): Generation[] => {
    const place = record as Place;
    const { challenger, labelling, evaluation } = settingsOf(place.iteration, place.phase);
    const held = Math.min(heldOut?.items.length ?? 0, evaluation.questions);
    const metrics = record.metrics as Readonly<Record<string, number>>;
    const of = (kind: Generation['kind'], samples = 0): Generation => ({ kind, place, samples });
    if (record.phase === 'challenger_training') {
      return [of('question', metrics['rollouts']), of('answer', (metrics['parsed'] ?? 0) * challenger.votes)];
    }
    if (record.phase === 'dataset_generation') return [of('question', metrics['generated'])];
    if (record.phase === 'labelling') {
      return [of('answer', (metrics['questions'] ?? 0) * labelling.votes), of('anchor', metrics['anchorAnswers'])];
    }
    if (record.phase === 'solver_training') return [of('rollout', metrics['rollouts'])];
    if (record.phase !== 'evaluation') return [];
    return [of('evaluation', held * (record.unit === 0 ? 1 : evaluation.samples))];
  });
}
