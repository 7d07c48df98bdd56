import type { Place } from '../../db/queries/units.ts';
import type { UnitRecord } from '../../db/queries/verification.ts';
import type { VerifyContext } from './context.ts';
import { evaluationOf } from './evaluation-sets.ts';
import type { EvaluationSets } from './evaluation-sets.ts';
import type { Generation } from './generations.ts';

/** Every request of the run whose size its units tell; a unit of an older version may not, and is not drawn from. */
export function requestsOf(
  { settingsOf }: VerifyContext,
  units: readonly UnitRecord[],
  sets: EvaluationSets,
): Generation[] {
  return units.flatMap((record): Generation[] => {
    const place = record as Place;
    const config = settingsOf(place.iteration, place.phase);
    const { challenger, labelling } = config;
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
    const unit = evaluationOf(config, record.unit, sets)?.unit;
    return unit ? [of('evaluation', (unit.to - unit.from) * unit.samples)] : [];
  });
}
