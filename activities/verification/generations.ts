/** The requests that a run has made of its models: which prompts with which seeds, and the rows that came of them. */
import type { Role } from '../contract.ts';
import type { Prompted } from '../sampling.ts';
import type { SamplingParams } from '../engine/types.ts';
import { evaluationParams, streamOf } from '../evaluation.ts';
import { askedOf } from '../evaluation-sets/asked.ts';
import { deriveSeed } from '../method/seeds.ts';
import { anchorsOf } from '../oracles/anchor-set.ts';
import { shardsOf } from '../oracles/anchors.ts';
import { challengerPrompt, solverPrompt } from '../profile.ts';
import type { EvaluationSet } from '../../db/queries/evaluation-sets.ts';
import type { Place } from '../../db/queries/units.ts';
import {
  anchorAnswersOf,
  anchorsAt,
  answersOf,
  askedQuestions,
  evaluationItemsAt,
  evaluationsOf,
  questionsAt,
  rolloutQuestions,
  rolloutsAt,
} from '../../db/queries/verification.ts';
import { policyBefore, seedOf } from './context.ts';
import type { VerifyContext } from './context.ts';
import { evaluationOf } from './evaluation-sets.ts';
import type { EvaluationSets } from './evaluation-sets.ts';
import type { RowId } from './findings.ts';

/** One request: all completions of a kind of a unit. */
export interface Generation {
  kind: 'question' | 'answer' | 'anchor' | 'rollout' | 'evaluation';
  place: Place;
  /** Completions. */
  samples: number;
}

/** A part of a request. */
export interface Excerpt {
  role: Role;
  /** Undefined where the row that names it is missing. */
  checkpointId: string | undefined;
  prompts: Prompted[];
  /** What of the role's sampling is not as in training. */
  change: Partial<SamplingParams>;
  /** The stored row of each prompt; undefined where it is missing. */
  rows: (StoredSample | undefined)[];
  /** A row that the prompts come from is reported: then nothing comes out as it did. */
  isBroken: boolean;
}

export interface StoredSample {
  table: string;
  row: RowId;
  completion: string;
  tokens?: readonly number[];
  logprobs?: readonly number[];
  /** Null in rows from before it was stored. */
  meanLogprob?: number | null;
  finishReason?: string;
}

interface Range {
  from: number;
  to: number;
}

/** As stored with the run. */
export interface QuestionSets extends EvaluationSets {
  anchors: EvaluationSet | undefined;
}

export function readExcerpt(
  context: VerifyContext,
  { kind, place, samples }: Generation,
  range: Range,
  sets: QuestionSets,
): Promise<Excerpt> {
  if (kind === 'question') return questionExcerpt(context, place, range);
  if (kind === 'answer') return answerExcerpt(context, place, range, samples);
  if (kind === 'anchor') return anchorExcerpt(context, place, range, sets.anchors);
  if (kind === 'rollout') return rolloutExcerpt(context, place, range);
  return evaluationExcerpt(context, place, range, sets);
}

const numbers = ({ from, to }: Range): number[] => Array.from({ length: to - from }, (_, index) => from + index);

async function questionExcerpt(context: VerifyContext, place: Place, range: Range): Promise<Excerpt> {
  const records = new Map((await questionsAt(context.client, place, range)).map((record) => [record.item, record]));
  const prompt = challengerPrompt(context.profile);
  const step = place.phase === 'challenger_training' ? [place.iteration, place.unit] : [place.iteration + 1, 0];
  return {
    role: 'challenger',
    checkpointId: policyBefore(context, 'challenger', step[0]!, step[1]!),
    prompts: numbers(range).map((item) => ({
      prompt,
      seed: seedOf(context, place, { item, sample: 0, stream: 'question' }),
    })),
    change: {},
    rows: numbers(range).map((item) => {
      const record = records.get(item);
      return record && { table: 'questions', row: { question_id: record.questionId }, ...record };
    }),
    isBroken: false,
  };
}

async function answerExcerpt(context: VerifyContext, place: Place, range: Range, samples: number): Promise<Excerpt> {
  const { client, config, findings, profile } = context;
  const isTraining = place.phase === 'challenger_training';
  const { votes } = isTraining ? config.challenger : config.labelling;
  const source = isTraining ? place : { ...place, phase: 'dataset_generation' as const };
  const asked = await askedQuestions(client, source);
  const used = numbers(range).flatMap((index) => {
    const question = asked[Math.floor(index / votes)];
    return question ? [{ ...question, sample: index % votes }] : [];
  });
  const ids = [...new Set(used.map(({ questionId }) => questionId))];
  const records = new Map(
    (await answersOf(client, ids)).map((record) => [`${record.questionId}/${record.sample}`, record]),
  );
  return {
    role: 'solver',
    checkpointId: policyBefore(context, 'solver', place.iteration, 0),
    prompts: used.map(({ question, item, sample }) => ({
      prompt: solverPrompt(profile, question),
      seed: seedOf(context, place, { item, sample, stream: 'answer' }),
    })),
    change: {},
    rows: used.map(({ questionId, sample }) => {
      const record = records.get(`${questionId}/${sample}`);
      return record && { table: 'answers', row: { answer_id: record.answerId }, ...record };
    }),
    // With a question more or less it is not the batch that it was.
    isBroken: asked.length * votes !== samples || ids.some((id) => findings.brokenQuestions.has(id)),
  };
}

async function anchorExcerpt(
  context: VerifyContext,
  place: Place,
  range: Range,
  set: EvaluationSet | undefined,
): Promise<Excerpt> {
  const { client, config, profile } = context;
  const { votes } = config.labelling;
  const asked = set?.items.slice(0, config.oracles?.anchors?.questions) ?? [];
  const own = anchorsOf(asked, place.unit, shardsOf(config));
  const ids = new Map((await anchorsAt(client, place)).map(({ item, anchorId }) => [item, anchorId]));
  const answers = await anchorAnswersOf(client, [...ids.values()]);
  const records = new Map(answers.map((record) => [`${record.anchorId}/${record.sample}`, record]));
  const used = numbers(range).flatMap((index) => {
    const found = own[Math.floor(index / votes)];
    return found ? [{ ...found, sample: index % votes }] : [];
  });
  return {
    role: 'solver',
    checkpointId: policyBefore(context, 'solver', place.iteration, 0),
    prompts: used.map(({ item, anchor, sample }) => ({
      prompt: solverPrompt(profile, anchor.question),
      seed: seedOf(context, place, { item, sample, stream: 'anchor' }),
    })),
    change: {},
    rows: used.map(({ item, sample }) => {
      const record = records.get(`${ids.get(item)}/${sample}`);
      return record && { table: 'anchor_answers', row: { anchor_id: record.anchorId, sample }, ...record };
    }),
    isBroken: false,
  };
}

async function rolloutExcerpt(context: VerifyContext, place: Place, range: Range): Promise<Excerpt> {
  const { client, config, findings, profile } = context;
  const { groupSize } = config.solver;
  const items = { from: Math.floor(range.from / groupSize), to: Math.ceil(range.to / groupSize) };
  const questions = new Map((await rolloutQuestions(client, place, items)).map((entry) => [entry.item, entry]));
  const records = new Map(
    (await rolloutsAt(client, place, items)).map((record) => [`${record.item}/${record.sample}`, record]),
  );
  const used = numbers(range).map((index) => ({ item: Math.floor(index / groupSize), sample: index % groupSize }));
  return {
    role: 'solver',
    checkpointId: policyBefore(context, 'solver', place.iteration, place.unit),
    prompts: used.map(({ item, sample }) => ({
      prompt: solverPrompt(profile, questions.get(item)?.question ?? ''),
      seed: seedOf(context, place, { item, sample, stream: 'rollout' }),
    })),
    change: {},
    rows: used.map(({ item, sample }) => {
      const record = records.get(`${item}/${sample}`);
      return record && { table: 'rollouts', row: { rollout_id: record.rolloutId }, ...record };
    }),
    isBroken: used.some(({ item }) => {
      const question = questions.get(item);
      return !question || findings.brokenQuestions.has(question.questionId);
    }),
  };
}

async function evaluationExcerpt(
  context: VerifyContext,
  place: Place,
  range: Range,
  sets: EvaluationSets,
): Promise<Excerpt> {
  const { client, config, preset, profile, run } = context;
  const { unit, items } = evaluationOf(config, place.unit, sets)!;
  const { samples, from } = unit;
  const { prompt } = askedOf(unit, profile, preset);
  const [evaluation] = await evaluationsOf(client, place);
  const part = { from: from + Math.floor(range.from / samples), to: from + Math.ceil(range.to / samples) };
  const found = evaluation ? await evaluationItemsAt(client, evaluation.evaluationId, part) : [];
  const records = new Map(found.map((record) => [`${record.item}/${record.sample}`, record]));
  const used = numbers(range).map((index) => ({ item: from + Math.floor(index / samples), sample: index % samples }));
  return {
    role: 'solver',
    checkpointId: policyBefore(context, 'solver', place.iteration + 1, 0),
    prompts: used.map(({ item, sample }) => ({
      prompt: prompt(items[item]!),
      seed: deriveSeed({ ...streamOf(unit, run.seed), item, sample }),
    })),
    change: evaluationParams(unit),
    rows: used.map(({ item, sample }) => {
      const record = records.get(`${item}/${sample}`);
      return (
        record && {
          table: 'evaluation_items',
          row: { evaluation_id: record.evaluationId, item, sample },
          completion: record.completion,
        }
      );
    }),
    isBroken: false,
  };
}
