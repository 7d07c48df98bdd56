/**
 * How a model is asked: the prompts of both roles, where their answers begin and end, and what counts as a question in its
 * domain. Read from a file (prompt-files.ts); stored with every run, with its hash.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { readChatFormat } from './engine/chat-template.ts';
import type { ChatFormat } from './engine/chat-template.ts';
import { readCompanionsOf } from './engine/model-files.ts';
import type { PromptPart } from './engine/prompt-parts.ts';
import { RZeroError } from './errors.ts';
import { promptFile } from './prompt-files.ts';

/** Texts that end an answer; what follows is the model going on with the next example. */
const stop = z.array(z.string().min(1)).min(1).optional();
/** Text that the answer begins with: it ends the prompt, and is read as the answer's first part. */
const prefill = z.string().min(1).optional();
const messages = z.array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).min(1);
const prompt = z.string().min(1);
const asksQuestion = prompt.includes('{question}');

/** What is asked: text as it is, or messages that the model's chat template puts into its form. */
const profileFile = z.strictObject({
  version: z.literal(1),
  challenger: z.union([z.strictObject({ prompt, prefill, stop }), z.strictObject({ messages, prefill, stop })]),
  solver: z.union([z.strictObject({ prompt: asksQuestion, stop }), z.strictObject({ messages, stop })]),
  /** A question must match it as a whole; anything goes when it is missing. */
  questionPattern: z.string().refine(isPattern, 'not a regular expression').optional(),
});

type ProfileFile = z.infer<typeof profileFile>;

/** With every message put into the form of the model. */
export type ModelProfile = Omit<ProfileFile, 'challenger' | 'solver'> & {
  challenger: { prompt: string; prefill?: string | undefined; stop?: string[] | undefined };
  solver: { prompt: string; stop?: string[] | undefined };
};

/**
 * @param modelDir folder or file of the model, whose form messages are put into
 * @param prompts what the run says: a name, or a path; what belongs to the model when omitted
 * @throws RZeroError `ModelUnreadable` when the file cannot be used; `RunInputInvalid` when there is none of that name
 */
export async function loadProfile(
  modelDir: string,
  prompts?: string,
): Promise<{ profile: ModelProfile; hash: string }> {
  const path = promptFile(modelDir, prompts);
  const field = prompts === undefined ? 'model' : 'prompts';
  let profile: ProfileFile;
  try {
    profile = profileFile.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw unreadable(path, field, error);
  }
  return inFormOf(modelDir, profile, path, field);
}

async function inFormOf(
  modelDir: string,
  file: ProfileFile,
  path: string,
  field: string,
): Promise<{ profile: ModelProfile; hash: string }> {
  const asked = [file.challenger, file.solver];
  const format = asked.some((role) => 'messages' in role)
    ? readChatFormat(await readCompanionsOf(modelDir))
    : undefined;
  const [challenger, solver] = asked.map((role) => {
    if ('prompt' in role) return role;
    const { messages: said, ...others } = role;
    return { prompt: (format as ChatFormat).render(said), ...others };
  }) as [ModelProfile['challenger'], ModelProfile['solver']];
  if (!solver.prompt.includes('{question}'))
    throw unreadable(path, field, new Error('the Solver is not asked {question}'));
  const profile: ModelProfile = { ...file, challenger, solver };
  return { profile, hash: hashProfile(profile) };
}

/** The same for a profile that a database has given back with its fields in another order. */
export function hashProfile({ version, challenger, solver, questionPattern }: ModelProfile): string {
  const { prompt, prefill, stop } = challenger;
  const fields = {
    version,
    challenger: { prompt, prefill, stop },
    solver: { prompt: solver.prompt, stop: solver.stop },
    questionPattern,
  };
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

export function solverPrompt(profile: ModelProfile, question: string): PromptPart[] {
  return promptAround(profile.solver.prompt, question);
}

/** The question is another's text: special tokens that it spells stay text. */
export function promptAround(prompt: string, question: string): PromptPart[] {
  const plain = { text: question, plain: true };
  return prompt.split('{question}').flatMap((text, index) => (index === 0 ? [{ text }] : [plain, { text }]));
}

export function challengerPrompt({ challenger }: ModelProfile): PromptPart[] {
  return [{ text: challenger.prompt + (challenger.prefill ?? '') }];
}

/** A stored completion as the parser is to see it: what the prompt began of it, and what the model wrote. */
export function asWritten({ challenger }: ModelProfile, completion: string): string {
  return (challenger.prefill ?? '') + completion;
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source, 'u').source !== '';
  } catch {
    return false;
  }
}

function unreadable(path: string, field: string, error: unknown): RZeroError {
  const reason =
    error instanceof z.ZodError
      ? error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`)[0]
      : (error as Error).message.split('\n')[0];
  return new RZeroError('ModelUnreadable', `The prompts in ${path} cannot be used: ${reason}.`, {
    field,
    fix: 'They need {"version": 1, "challenger": {"prompt", "prefill"?, "stop"?}, "solver": {"prompt" with {question}, "stop"?}, "questionPattern"?}; "messages" may stand for "prompt".',
    cause: error,
  });
}
