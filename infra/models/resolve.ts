import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { modelFolder } from '../../activities/model-folder.ts';

const CHECKPOINT_ID = /^[0-9a-f]{8,64}$/;

/**
 * A model as a run names it, or a checkpoint by its id or the first eight or more digits of it.
 *
 * @param dataDir whose checkpoints are meant
 * @throws RZeroError `CheckpointMissing`, `ModelUnreadable`
 */
export async function resolveModel(
  model: string,
  dataDir: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  if (!CHECKPOINT_ID.test(model)) return modelFolder(model, env);
  const root = join(resolve(dataDir), 'checkpoints');
  const ids = await readdir(root).catch(() => []);
  const found = ids.filter((id) => id.startsWith(model) && /^[0-9a-f]{64}$/.test(id));
  if (found.length === 1) return join(root, found[0] as string);
  throw new RZeroError(
    'CheckpointMissing',
    found.length === 0
      ? `There is no checkpoint ${model} in ${root}.`
      : `${found.length} checkpoints begin with ${model}.`,
    { field: 'model', fix: 'Give the whole id; `npx r-zero checkpoint list` lists them.' },
  );
}
