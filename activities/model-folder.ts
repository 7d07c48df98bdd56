import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUILTIN = fileURLToPath(new URL('./engine/base-model', import.meta.url));

/** Where a model named in the run input lies on this machine. @param model `builtin` or a folder. */
export function modelFolder(model: string): string {
  if (model === 'builtin') return BUILTIN;
  return isAbsolute(model) ? model : resolve(model);
}
