import type { ActivityDependencies } from './dependencies.ts';
import type { ModelLease } from './engine/types.ts';
import { getPreset } from './method/presets.ts';
import type { ParsingStage } from './method/presets.ts';
import { deriveSeed } from './method/seeds.ts';
import { meanLogprob, weighVote } from './method/vote-weights.ts';
import type { VoteWeighting } from './method/vote-weights.ts';
import { extractAnswer, vote } from './method/voting.ts';
import type { VoteResult } from './method/voting.ts';
import { solverPrompt } from './profile.ts';
import { mapInSlices } from './in-slices.ts';
import type { RunConfig } from './run-input.ts';
import { sampleAs } from './sampling.ts';
import type { SampledText } from './sampling.ts';
import type { UnitContext } from './unit.ts';
import type { answers, votes } from '../db/schema.ts';

export interface AskedQuestion {
  /** Number of the question in its unit: part of each answer's seed. */
  item: number;
  question: string;
}

export interface AnsweredQuestion extends AskedQuestion {
  answers: (SampledText & { extracted: string | null; meanLogprob: number | null })[];
  vote: VoteResult;
}

/** Lets the Solver answer every question `samples` times and votes. */
export async function answerQuestions(
  deps: ActivityDependencies,
  context: UnitContext,
  solver: ModelLease,
  asked: readonly AskedQuestion[],
  samples: number,
  stage: ParsingStage,
  /** Of the answers' seeds. */
  stream: 'answer' | 'anchor' = 'answer',
): Promise<AnsweredQuestion[]> {
  const { run, config, profile, place, call } = context;
  const prompts = asked.flatMap(({ item, question }) =>
    Array.from({ length: samples }, (_, sample) => ({
      prompt: solverPrompt(profile, question),
      seed: deriveSeed({ runSeed: run.seed, ...place, item, sample, stream }),
    })),
  );
  const sampled = await sampleAs('solver', deps, context, solver, prompts);
  const preset = getPreset(config.preset);
  const count = (question: AskedQuestion, index: number): AnsweredQuestion => {
    const own = sampled.slice(index * samples, (index + 1) * samples).map((sample) => ({
      ...sample,
      extracted: extractAnswer(sample.text, preset),
      meanLogprob: meanLogprob(sample.logprobs),
    }));
    const counted = vote(
      own.map(({ extracted }) => extracted),
      preset,
      stage === 'training' ? 'training' : 'labelling',
      { question: question.question },
    );
    return {
      ...question,
      answers: own,
      vote: weighVote(
        counted,
        own.map((answer) => ({ ...answer, tokens: answer.tokens.length })),
        weightingOf(config, stage),
      ),
    };
  };
  return mapInSlices(asked, count, call.signal);
}

/** The Challenger is rewarded for uncertainty as it is counted: only labels are weighed. */
export function weightingOf(
  { preset, labelling }: Pick<RunConfig, 'preset' | 'labelling'>,
  stage: ParsingStage,
): VoteWeighting {
  if (stage === 'training') return 'none';
  return labelling.weighting ?? getPreset(preset).vote.weighting;
}

export function answerRows(
  { place }: UnitContext,
  checkpointId: string,
  answered: readonly AnsweredQuestion[],
  questionIds: ReadonlyMap<number, number>,
): (typeof answers.$inferInsert)[] {
  return answered.flatMap(({ item, answers: own }) =>
    own.map(({ seed, text, tokens, finishReason, extracted, meanLogprob: mean }, sample) => ({
      ...place,
      questionId: questionIds.get(item)!,
      sample,
      checkpointId,
      seed,
      completion: text,
      tokens,
      finishReason,
      extracted,
      meanLogprob: mean,
    })),
  );
}

export function voteRows(
  { config, place }: UnitContext,
  answered: readonly AnsweredQuestion[],
  questionIds: ReadonlyMap<number, number>,
): (typeof votes.$inferInsert)[] {
  const take = place.take ?? 1;
  return answered.map(({ item, vote: result }) => ({
    ...voteRow(questionIds.get(item)!, config.preset, result),
    take,
  }));
}

export function voteRow(questionId: number, preset: string, result: VoteResult): typeof votes.$inferInsert {
  return {
    questionId,
    preset,
    label: result.label,
    majority: result.votes,
    total: result.total,
    entropy: result.entropy,
    unparsable: result.unparsable,
    incomparable: result.incomparable,
    tie: result.tie,
    classes: result.classes.map(({ representative, count, members, weight }) => ({
      representative,
      count,
      members,
      ...(weight === undefined ? {} : { weight }),
    })),
  };
}
