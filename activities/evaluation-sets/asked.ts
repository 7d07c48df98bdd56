import type { PromptPart } from '../engine/prompt-parts.ts';
import type { FrozenPreset } from '../method/presets.ts';
import { promptAround, type ModelProfile } from '../profile.ts';
import { graderOf, presetGrader, type Grader } from './grading.ts';
import type { SetItem } from './item.ts';
import { loaderOf } from './loaders.ts';
import type { EvaluationUnit } from './units.ts';

/** How the questions of a unit are asked and graded. */
export function askedOf(
  { set }: Pick<EvaluationUnit, 'set'>,
  profile: ModelProfile,
  preset: FrozenPreset,
): { prompt: (item: SetItem) => PromptPart[]; grader: Grader } {
  if (!set) {
    return { prompt: ({ question }) => promptAround(profile.solver.prompt, question), grader: presetGrader(preset) };
  }
  const { ask } = loaderOf(set.loader);
  return {
    prompt: (item) => promptAround(set.prompt ?? profile.solver.prompt, ask(item)),
    grader: graderOf(set, preset),
  };
}
