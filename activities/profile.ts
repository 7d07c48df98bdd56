/**
 * How a model is asked: the prompts of both roles and what counts as a question in its domain. Read from `r-zero.json`
 * in the model's folder; stored with every run, with its hash.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RZeroError } from './errors.ts';
import {
  OFFICIAL_CHALLENGER_SYSTEM,
  OFFICIAL_CHALLENGER_USER,
  OFFICIAL_SOLVER_SYSTEM,
  plainRendering,
} from './method/official/official-settings.ts';
import { isAbsent } from './held-out.ts';

const profileSchema = z.object({
  version: z.literal(1),
  challenger: z.object({ prompt: z.string().min(1) }),
  solver: z.object({ prompt: z.string().includes('{question}') }),
  /** A question must match it as a whole; anything goes when it is missing. */
  questionPattern: z.string().refine(isPattern, 'not a regular expression').optional(),
});

export type ModelProfile = z.infer<typeof profileSchema>;

/** For a model folder without a profile: the public code's prompts, in the plain form it uses without a chat template. */
export const DEFAULT_PROFILE: ModelProfile = {
  version: 1,
  challenger: { prompt: plainRendering(OFFICIAL_CHALLENGER_SYSTEM, OFFICIAL_CHALLENGER_USER) },
  solver: { prompt: plainRendering(OFFICIAL_SOLVER_SYSTEM, '{question}') },
};

/** @throws RZeroError `ModelUnreadable` when there is a profile and it cannot be used. */
export async function loadProfile(modelDir: string): Promise<{ profile: ModelProfile; hash: string }> {
  const path = join(modelDir, 'r-zero.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return withHash(DEFAULT_PROFILE);
    throw unreadable(path, error);
  }
  try {
    const profile = profileSchema.parse(JSON.parse(text));
    return withHash(profile);
  } catch (error) {
    throw unreadable(path, error);
  }
}

export const solverPrompt = (profile: ModelProfile, question: string) =>
  profile.solver.prompt.split('{question}').join(question);

export const challengerPrompt = (profile: ModelProfile) => profile.challenger.prompt;

function isPattern(source: string): boolean {
  try {
    return new RegExp(source, 'u').source !== '';
  } catch {
    return false;
  }
}

function withHash(profile: ModelProfile): { profile: ModelProfile; hash: string } {
  return { profile, hash: createHash('sha256').update(JSON.stringify(profile)).digest('hex') };
}

function unreadable(path: string, error: unknown): RZeroError {
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  return new RZeroError('ModelUnreadable', `The model's prompt profile ${path} cannot be used: ${reason}.`, {
    field: 'model',
    fix: 'It needs {"version": 1, "challenger": {"prompt"}, "solver": {"prompt" with {question}}, "questionPattern"?}.',
    cause: error,
  });
}
