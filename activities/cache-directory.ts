import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where downloads live: `R_ZERO_CACHE`, else `$XDG_CACHE_HOME/r-zero`, else `~/.cache/r-zero`. Shared by all checkouts of a user. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env['R_ZERO_CACHE']) return resolve(env['R_ZERO_CACHE']);
  if (env['XDG_CACHE_HOME']) return resolve(env['XDG_CACHE_HOME'], 'r-zero');
  return join(homedir(), '.cache', 'r-zero');
}

/** Models that have a name on this machine, one folder each. */
export function namedModels(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheDirectory(env), 'models');
}
