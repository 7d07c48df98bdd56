import { statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { namedModels } from './cache-directory.ts';
import { RZeroError } from './errors.ts';

const BUILTIN = fileURLToPath(new URL('./engine/base-model', import.meta.url));
const NAME = /^[A-Za-z0-9][\w.-]{0,99}$/;
const HUB_ID = /^[A-Za-z0-9][\w.-]{0,99}\/[A-Za-z0-9][\w.-]{0,99}$/;

/**
 * Where a model named in the run input lies on this machine.
 *
 * @param model `builtin`; a folder; a `.gguf` file; a name that `r-zero model get` or `import` gave; or a hub id
 *   (`owner/name`) that was imported
 * @throws RZeroError `ModelUnreadable` when nothing of that name is here, with the command that would bring it
 */
export function modelFolder(model: string, env: NodeJS.ProcessEnv = process.env): string {
  if (model === 'builtin') return BUILTIN;
  const path = isAbsolute(model) ? model : resolve(model);
  if (exists(path)) return path;
  const named = namedModelFolder(model, env);
  if (named === undefined) throw missing(model, 'Give "builtin", a folder, a .gguf file, a name or a hub id.');
  if (exists(named)) return named;
  if (model.endsWith('.gguf')) throw missing(model, 'Give the path of a file that exists.');
  throw missing(model, isHubId(model) ? `Run \`npx r-zero model import ${model}\`.` : BRING_IT);
}

/** Where a name or a hub id has its place, whether or not something is there. */
function namedModelFolder(model: string, env: NodeJS.ProcessEnv): string | undefined {
  if (NAME.test(model)) return join(namedModels(env), model);
  return isHubId(model) ? join(namedModels(env), hubFolderName(model)) : undefined;
}

export function isHubId(model: string): boolean {
  return HUB_ID.test(model);
}

export function hubFolderName(id: string): string {
  return id.replace('/', '--');
}

const BRING_IT =
  "Put it under that name on the worker's machine (`npx r-zero model get` or `model import`), or give the path of a folder or a .gguf file.";

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function missing(model: string, fix: string): RZeroError {
  return new RZeroError('ModelUnreadable', `There is no model "${model}" on this machine.`, { field: 'model', fix });
}
