/** Whether what a run's settings ask for fits the model: better said at once than after an hour of questions. */
import type { ActivityDependencies } from './dependencies.ts';
import { readConfigOf } from './engine/model-files.ts';
import { exists } from './engine/staging.ts';
import { RZeroError } from './errors.ts';
import { refuseLongAnchors } from './oracles/anchor-set.ts';
import type { ModelProfile } from './profile.ts';
import type { RunConfig } from './run-input.ts';
import { checkpointPath } from './store.ts';
import { readQuestionSet } from '../db/queries/evaluation-sets.ts';
import type { RunRow } from '../db/queries/runs.ts';

/**
 * Prompt and completion must fit the model.
 *
 * @param folder of the model
 * @throws RZeroError `RunInputInvalid`, with the field
 */
export async function refuseLongCompletions(folder: string, config: RunConfig): Promise<void> {
  const { maxPositions } = await readConfigOf(folder);
  for (const role of ['challenger', 'solver'] as const) {
    const { maxTokens } = config[role];
    if (maxTokens < maxPositions) continue;
    throw new RZeroError(
      'RunInputInvalid',
      `Run input: "${role}.maxTokens" is ${maxTokens}, but the model reads ${maxPositions} tokens, prompt included.`,
      { field: `${role}.maxTokens`, fix: `Choose less than ${maxPositions}.` },
    );
  }
}

/**
 * For settings that are changed: completions and anchors. On a machine without the run's base model nothing can be said.
 *
 * @throws RZeroError `RunInputInvalid`, with the field
 */
export async function refuseLongTexts(
  deps: Pick<ActivityDependencies, 'database' | 'dataDir'>,
  run: RunRow,
  config: RunConfig,
): Promise<void> {
  const folder = checkpointPath(deps, run.baseCheckpointId);
  if (!(await exists(folder))) return;
  await refuseLongCompletions(folder, config);
  const anchors = await readQuestionSet(deps.database, run.anchorHash);
  if (!anchors) return;
  const profile = run.profile as ModelProfile;
  await refuseLongAnchors(deps, run.baseCheckpointId, { folder, profile, config }, anchors.items);
}
