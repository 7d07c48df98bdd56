/** What a run's evaluation sets come to when it begins: files are read once, and stored with how they are asked. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cacheDirectory } from '../cache-directory.ts';
import { readChatFormat } from '../engine/chat-template.ts';
import { readCompanionsOf, readConfigOf } from '../engine/model-files.ts';
import { RZeroError } from '../errors.ts';
import { mapInSlices } from '../in-slices.ts';
import { isOfficialPrompts } from '../prompt-files.ts';
import { promptAround, type ModelProfile } from '../profile.ts';
import type { RunConfig } from '../run-input.ts';
import { tokenizerOf } from '../store.ts';
import type { EvaluationSet } from '../../db/queries/evaluation-sets.ts';
import type { RunSet } from '../../db/queries/run-sets.ts';
import { loaderOf, type LoaderName } from './loaders.ts';
import { readSet } from './read-set.ts';
import { nameOf, type SetSettings } from './settings.ts';

export interface SettledSet {
  run: RunSet;
  set: EvaluationSet;
}

/** Where `r-zero dataset get` puts a set. */
export const datasetFolder = (loader: LoaderName, env: NodeJS.ProcessEnv = process.env): string =>
  join(cacheDirectory(env), 'datasets', loader);

/**
 * @param folder the model's folder or file, whose form official prompts are put into
 * @throws RZeroError `RunInputInvalid`, with the field, the file and the line
 */
export async function settleSets(runId: string, folder: string, config: RunConfig): Promise<SettledSet[]> {
  const official = isOfficialPrompts(folder, config.prompts);
  const settled: SettledSet[] = [];
  for (const [position, settings] of (config.evaluation.sets ?? []).entries()) {
    const field = `evaluation.sets.${position}`;
    const loader = loaderOf(settings.set);
    const set = await readSet(settings.set, filesOf(settings, `${field}.file`), `${field}.file`);
    const { questions = set.items.length } = settings;
    if (questions > set.items.length) {
      throw new RZeroError(
        'RunInputInvalid',
        `Run input: "${field}.questions" is ${questions}, but the set has ${set.items.length}.`,
        { field: `${field}.questions`, fix: `Choose ${set.items.length} at most, or leave it out for all.` },
      );
    }
    const asked = settings.prompts ?? (official ? 'official' : 'solver');
    const samples = settings.samples ?? loader.samples;
    settled.push({
      set,
      run: {
        runId,
        position,
        setName: nameOf(settings),
        loader: settings.set,
        setHash: set.hash,
        items: set.items.length,
        questions,
        samples,
        temperature: settings.temperature ?? 1,
        maxTokens: settings.maxTokens ?? config.solver.maxTokens,
        grader: settings.grader ?? loader.grader,
        prompt: asked === 'solver' ? null : readChatFormat(await readCompanionsOf(folder)).render(loader.messages),
        area: loader.area,
        measure: samples === 0 ? 'greedy' : loader.measure,
      },
    });
  }
  return settled;
}

/** @param env whose cache is meant */
export function filesOf(
  { set, file }: Pick<SetSettings, 'set' | 'file'>,
  field: string,
  env?: NodeJS.ProcessEnv,
): string[] {
  if (file !== undefined) return [resolve(file)];
  const folder = datasetFolder(set, env);
  if (!existsSync(folder)) {
    throw new RZeroError('RunInputInvalid', `Evaluation set ${set} is not on this machine.`, {
      field,
      fix: `Run \`npx r-zero dataset get ${set}\` on the worker's machine, or name a file.`,
    });
  }
  const names = readdirSync(folder).filter((name) => /\.(?:parquet|jsonl|json)$/.test(name) && name !== 'origin.json');
  return names.toSorted().map((name) => join(folder, name));
}

/** A question that leaves no room for its answer would fail its whole shard in each iteration; better said before the run begins. */
export async function refuseLongQuestions(
  place: { dataDir: string },
  checkpointId: string,
  { folder, profile }: { folder: string; profile: ModelProfile },
  sets: readonly SettledSet[],
): Promise<void> {
  const { maxPositions } = await readConfigOf(folder);
  const tokenizer = await tokenizerOf(place, checkpointId);
  for (const { run, set } of sets) {
    const { ask } = loaderOf(run.loader);
    const prompt = run.prompt ?? profile.solver.prompt;
    const room = maxPositions - run.maxTokens;
    const lengths = await mapInSlices(
      set.items.slice(0, run.questions),
      (item) => tokenizer.encode(promptAround(prompt, ask(item))).length,
    );
    const long = lengths.findIndex((length) => length > room);
    if (long < 0) continue;
    throw new RZeroError(
      'RunInputInvalid',
      `Question ${long + 1} of evaluation set ${run.setName} has ${lengths[long]} tokens with its prompt, which leaves ` +
        `${Math.max(0, maxPositions - lengths[long]!)} of ${maxPositions} for an answer of up to ${run.maxTokens}.`,
      {
        field: `evaluation.sets.${run.position}.maxTokens`,
        fix: `Choose a smaller "maxTokens"${long > 0 ? `, or "questions" up to ${long}` : ''}, or a model with a longer context.`,
      },
    );
  }
}
