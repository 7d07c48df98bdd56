import type { UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { InvalidReason, ParsedQuestion } from './method/question-parser.ts';
import { parseChallengerOutput } from './method/question-parser.ts';
import { getPreset } from './method/presets.ts';
import type { ParsingStage } from './method/presets.ts';
import { deriveSeed } from './method/seeds.ts';
import { asWritten, challengerPrompt, solverPrompt } from './profile.ts';
import { mapInSlices } from './in-slices.ts';
import { sampleAs } from './sampling.ts';
import type { SampledText } from './sampling.ts';
import { tokenizerOf, withModel } from './store.ts';
import { runUnit } from './unit.ts';
import type { UnitContext } from './unit.ts';
import { insertRows } from '../db/bulk.ts';
import { checkpointBefore } from '../db/queries/lineage.ts';
import { questions } from '../db/schema.ts';
import type { ModelLease } from './engine/types.ts';

export interface WrittenQuestion extends SampledText {
  item: number;
  parsed: Omit<ParsedQuestion, 'reason'> & { reason: InvalidReason | 'prompt_too_long' | null };
}

/** Lets the Challenger write `count` questions and parses them. Items are numbered from `firstItem`. */
export async function writeQuestions(
  deps: ActivityDependencies,
  context: UnitContext,
  challenger: ModelLease,
  count: number,
  stage: ParsingStage,
): Promise<WrittenQuestion[]> {
  const { run, config, profile, place, call } = context;
  const prompt = challengerPrompt(profile);
  const prompts = Array.from({ length: count }, (_, item) => ({
    prompt,
    seed: deriveSeed({ runSeed: run.seed, ...place, item, sample: 0, stream: 'question' }),
  }));
  const tokenizer = await tokenizerOf(deps, run.baseCheckpointId);
  const sampled = await sampleAs('challenger', deps, context, challenger, prompts);
  const preset = getPreset(config.preset);
  const options =
    profile.questionPattern === undefined ? {} : { questionPattern: new RegExp(profile.questionPattern, 'u') };
  // A question that leaves the Solver no room to answer is a row with a reason, not a failure of its whole unit.
  const room = challenger.maxSequenceLength - config.solver.maxTokens;
  const parse = (sample: SampledText, item: number): WrittenQuestion => {
    const parsed = parseChallengerOutput(asWritten(profile, sample.text), preset, { ...options, stage });
    const fits =
      parsed.status === 'invalid' || tokenizer.encode(solverPrompt(profile, parsed.question ?? '')).length <= room;
    return { ...sample, item, parsed: fits ? parsed : { ...parsed, status: 'invalid', reason: 'prompt_too_long' } };
  };
  return mapInSlices(sampled, parse, call.signal);
}

/** The rows of written questions. @param groupSize questions that share a GRPO group; none in data generation. */
export function questionRows(
  { place }: UnitContext,
  checkpointId: string,
  written: readonly WrittenQuestion[],
  groupSize?: number,
): (typeof questions.$inferInsert)[] {
  return written.map(({ item, parsed, seed, text, tokens, logprobs, finishReason }) => ({
    ...place,
    item,
    groupIndex: groupSize === undefined ? null : Math.floor(item / groupSize),
    checkpointId,
    seed,
    completion: text,
    tokens,
    logprobs,
    finishReason,
    status: parsed.status,
    reason: parsed.reason,
    question: parsed.question,
    challengerAnswer: parsed.answer,
  }));
}

/** One shard of the questions from which the Solver's training set is made. */
export function generateQuestions(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'dataset_generation', ref, async (context) => {
    const { run, config, place, call } = context;
    const checkpointId = await checkpointBefore(deps.database, run.runId, 'challenger', place.iteration + 1, 0);
    const { questions: total, shardSize } = config.labelling;
    const count = Math.min(shardSize, total - place.unit * shardSize);
    const written = await withModel(deps, checkpointId, { threads: config.threads, call }, (challenger) =>
      writeQuestions(deps, context, challenger, count, 'generation'),
    );
    return {
      usesModel: true,
      metrics: { generated: count, parsed: written.filter(({ parsed }) => parsed.status === 'valid').length },
      write: async (client) => {
        await insertRows(client, questions, questionRows(context, checkpointId, written));
      },
    };
  });
}
