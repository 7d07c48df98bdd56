/**
 * How a model is asked: the prompts of both roles and what counts as a question in its domain. Read from `r-zero.json`
 * in the model's folder; stored with every run, with its hash.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readChatFormat } from './engine/chat-template.ts';
import type { ChatFormat } from './engine/chat-template.ts';
import { readCompanionsOf } from './engine/model-files.ts';
import type { PromptPart } from './engine/prompt-parts.ts';
import { RZeroError } from './errors.ts';
import { isAbsent } from './held-out.ts';
import {
  OFFICIAL_CHALLENGER_SYSTEM,
  OFFICIAL_CHALLENGER_USER,
  OFFICIAL_SOLVER_SYSTEM,
} from './method/official/official-settings.ts';

const messages = z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).min(1);

/** What is asked: text as it is, or messages that the model's chat template puts into its form. */
const question = z.string().includes('{question}');
const profileFile = z.object({
  version: z.literal(1),
  challenger: z.union([z.object({ prompt: z.string().min(1) }), z.object({ messages })]),
  solver: z.union([z.object({ prompt: question }), z.object({ messages })]),
  /** A question must match it as a whole; anything goes when it is missing. */
  questionPattern: z.string().refine(isPattern, 'not a regular expression').optional(),
});

type ProfileFile = z.infer<typeof profileFile>;

/** With every message put into the form of the model. */
export type ModelProfile = Omit<ProfileFile, 'challenger' | 'solver'> & {
  challenger: { prompt: string };
  solver: { prompt: string };
};

/** For a model folder without a profile: the public code's prompts. */
const DEFAULT_PROFILE: ProfileFile = {
  version: 1,
  challenger: {
    messages: [
      { role: 'system', content: OFFICIAL_CHALLENGER_SYSTEM },
      { role: 'user', content: OFFICIAL_CHALLENGER_USER },
    ],
  },
  solver: {
    messages: [
      { role: 'system', content: OFFICIAL_SOLVER_SYSTEM },
      { role: 'user', content: '{question}' },
    ],
  },
};

/** @throws RZeroError `ModelUnreadable` when there is a profile and it cannot be used. */
export async function loadProfile(modelDir: string): Promise<{ profile: ModelProfile; hash: string }> {
  const path = join(modelDir, 'r-zero.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return inFormOf(modelDir, DEFAULT_PROFILE);
    throw unreadable(path, error);
  }
  let profile: ProfileFile;
  try {
    profile = profileFile.parse(JSON.parse(text));
  } catch (error) {
    throw unreadable(path, error);
  }
  return inFormOf(modelDir, profile);
}

async function inFormOf(modelDir: string, file: ProfileFile): Promise<{ profile: ModelProfile; hash: string }> {
  const prompts = [file.challenger, file.solver];
  const format = prompts.some((prompt) => 'messages' in prompt)
    ? readChatFormat(await readCompanionsOf(modelDir))
    : undefined;
  const [challenger, solver] = prompts.map((prompt) =>
    'prompt' in prompt ? prompt : { prompt: (format as ChatFormat).render(prompt.messages) },
  ) as [{ prompt: string }, { prompt: string }];
  if (!solver.prompt.includes('{question}')) throw unreadable('of the Solver', new Error('{question} is not in it'));
  const profile: ModelProfile = { ...file, challenger, solver };
  return { profile, hash: createHash('sha256').update(JSON.stringify(profile)).digest('hex') };
}

/** The question is another model's text: special tokens that it spells stay text. */
export function solverPrompt(profile: ModelProfile, question: string): PromptPart[] {
  const plain = { text: question, plain: true };
  return profile.solver.prompt
    .split('{question}')
    .flatMap((text, index) => (index === 0 ? [{ text }] : [plain, { text }]));
}

export const challengerPrompt = (profile: ModelProfile): PromptPart[] => [{ text: profile.challenger.prompt }];

function isPattern(source: string): boolean {
  try {
    return new RegExp(source, 'u').source !== '';
  } catch {
    return false;
  }
}

function unreadable(path: string, error: unknown): RZeroError {
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  return new RZeroError('ModelUnreadable', `The model's prompt profile ${path} cannot be used: ${reason}.`, {
    field: 'model',
    fix: 'It needs {"version": 1, "challenger": {"prompt"}, "solver": {"prompt" with {question}}, "questionPattern"?}.',
    cause: error,
  });
}
