/** Where the prompts of a run lie: in the model's folder, in a file that the run names, or in one that comes with the package. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RZeroError } from './errors.ts';

const SHIPPED = fileURLToPath(new URL('./prompts', import.meta.url));

/** What a run uses that names none, on a model that brings none. */
export const DEFAULT_PROMPTS = 'official';

/** Names of the prompts in activities/prompts, sorted. */
export function promptNames(): string[] {
  return readdirSync(SHIPPED)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/**
 * The file of a run's prompts.
 *
 * @param modelDir the model's folder or file; its `r-zero.json` counts when the run names no prompts
 * @param prompts a name out of `promptNames()`, or the path of a file on this machine
 * @throws RZeroError `RunInputInvalid` when nothing of that name is here
 */
export function promptFile(modelDir: string, prompts?: string): string {
  if (prompts === undefined) {
    const own = join(modelDir, 'r-zero.json');
    return existsSync(own) ? own : shipped(DEFAULT_PROMPTS);
  }
  if (promptNames().includes(prompts)) return shipped(prompts);
  const path = resolve(prompts);
  if (existsSync(path)) return path;
  throw new RZeroError('RunInputInvalid', `There are no prompts "${prompts}" on this machine.`, {
    field: 'prompts',
    fix: `Give ${promptNames().join(' or ')}, or the path of a file on the worker's machine.`,
  });
}

/** Whether a run asks its roles in the public code's words. */
export function isOfficialPrompts(modelDir: string, prompts?: string): boolean {
  return promptFile(modelDir, prompts) === shipped(DEFAULT_PROMPTS);
}

const shipped = (name: string): string => join(SHIPPED, `${name}.json`);
