/** The method over stored texts, without a database: what recomputations store and what audits compare. */
import { controlledReward } from '../control.ts';
import { readEvaluated } from '../evaluation-sets/evaluated.ts';
import type { Evaluated } from '../evaluation-sets/evaluated.ts';
import { gatePolicy } from '../gate-policy.ts';
import { batchAdvantages, groupAdvantages } from '../method/advantages.ts';
import { challengerRewards } from '../method/challenger-reward.ts';
import { decideIteration } from '../method/gate/gate-iteration.ts';
import { getPreset } from '../method/presets.ts';
import type { FrozenGatePolicy, FrozenPreset, ParsingStage, PresetName } from '../method/presets.ts';
import { parseChallengerOutput } from '../method/question-parser.ts';
import type { ParsedQuestion } from '../method/question-parser.ts';
import { solverReward } from '../method/solver-reward.ts';
import { weighVote } from '../method/vote-weights.ts';
import type { WeighableAnswer } from '../method/vote-weights.ts';
import { vote } from '../method/voting.ts';
import type { VoteResult } from '../method/voting.ts';
import { asWritten } from '../profile.ts';
import type { ModelProfile } from '../profile.ts';
import { challengerRewardRow, solverRewardRow } from '../reward-rows.ts';
import type { RewardRow } from '../reward-rows.ts';
import type { RunConfig } from '../run-input.ts';
import { weightingOf } from '../voting.ts';
import type { RunRow } from '../../db/queries/runs.ts';
import type { gateDecisions } from '../../db/schema.ts';
import type pg from 'pg';

export interface MethodContext {
  run: RunRow;
  config: RunConfig;
  preset: FrozenPreset;
  policy: FrozenGatePolicy;
  /** What the run is evaluated on: generated questions are compared with it. */
  evaluated: Evaluated;
  /** As stored with the run. */
  profile: ModelProfile;
  questionPattern: RegExp | undefined;
}

/** The same with the settings that a phase was done with, where they are not the newest. */
export function withSettings<Context extends MethodContext>(context: Context, config: RunConfig): Context {
  return { ...context, config, policy: gatePolicy({ ...config, preset: context.preset.name }) };
}

/** @param presetName the run's own when omitted; throws RZeroError `PresetInvalid` for one that this code does not have */
export async function methodContext(database: pg.Pool, run: RunRow, presetName?: PresetName): Promise<MethodContext> {
  const config = run.config as RunConfig;
  const preset = getPreset(presetName ?? (run.preset as PresetName));
  const profile = run.profile as ModelProfile;
  const { questionPattern } = profile;
  return {
    run,
    config,
    preset,
    policy: gatePolicy({ ...config, preset: preset.name }),
    evaluated: await readEvaluated(database, run),
    profile,
    questionPattern: questionPattern === undefined ? undefined : new RegExp(questionPattern, 'u'),
  };
}

export type QuestionPhase = 'challenger_training' | 'dataset_generation';

const stageOf = (phase: QuestionPhase): ParsingStage => (phase === 'challenger_training' ? 'training' : 'generation');

export function parseCompletion(
  { profile, preset, questionPattern }: MethodContext,
  phase: QuestionPhase,
  completion: string,
): ParsedQuestion {
  const options = { stage: stageOf(phase), ...(questionPattern === undefined ? {} : { questionPattern }) };
  return parseChallengerOutput(asWritten(profile, completion), preset, options);
}

export interface StoredAnswer extends WeighableAnswer {
  /** The answer found in the completion. */
  extracted: string | null;
}

/** @param extracted as it is read now */
export function storedAnswer(
  { tokens, meanLogprob }: { tokens: readonly number[]; meanLogprob: number | null },
  extracted: string | null,
): StoredAnswer {
  return { extracted, tokens: tokens.length, meanLogprob };
}

/** @param answers of the question, in the order of samples */
export function voteOn(
  { preset, config }: MethodContext,
  phase: QuestionPhase,
  question: string,
  answers: readonly StoredAnswer[],
): VoteResult {
  const stage = stageOf(phase);
  const counted = vote(
    answers.map(({ extracted }) => extracted),
    preset,
    stage === 'training' ? 'training' : 'labelling',
    { question },
  );
  return weighVote(counted, answers, weightingOf({ ...config, preset: preset.name }, stage));
}

/** What the method needs of a question once it is voted on. */
export interface VotedQuestion {
  questionId: number;
  /** Null when the preset takes the completion for no question. */
  question: string | null;
  vote: Pick<VoteResult, 'label' | 'votes' | 'total' | 'tie'> | null;
}

/** Rewards of one step's questions, by item; none for a question that nobody answered, whose p̂ is unknown. */
export function challengerStepRewards(
  { run, config, preset }: MethodContext,
  place: { iteration: number; unit: number },
  questions: readonly VotedQuestion[],
): (RewardRow | null)[] {
  const { repetitionWeight, groupSize } = config.challenger;
  const computed = challengerRewards(
    // A question without answers counts in the batch and its cluster.
    questions.map(({ question, vote: result }) => ({
      valid: question !== null,
      question: question ?? '',
      votes: result?.votes ?? 0,
      total: result?.total ?? 0,
    })),
    preset,
    repetitionWeight === undefined ? {} : { repetitionWeight },
  );
  const at = { runId: run.runId, ...place, phase: 'challenger_training' as const };
  const totals = computed.map((reward, item) => controlledReward(run, at, item, 0, reward.total));
  const advantages = batchAdvantages(totals, groupSize);
  return questions.map(({ questionId, question, vote: result }, item) => {
    if (question !== null && result === null) return null;
    return challengerRewardRow(questionId, computed[item]!, { total: totals[item]!, advantage: advantages[item]! });
  });
}

export type DecisionRow = Pick<
  typeof gateDecisions.$inferInsert,
  'questionId' | 'kept' | 'reason' | 'policy' | 'policyVersion' | 'inputs' | 'datasetIndex'
>;

/** Gate decisions of one iteration, in the order of the questions. @param earlier what earlier iterations kept */
export function iterationDecisions(
  { evaluated, policy }: MethodContext,
  questions: readonly VotedQuestion[],
  earlier: readonly { id: number; question: string }[],
): DecisionRow[] {
  const decisions = decideIteration({
    questions: questions.map(({ questionId, question, vote: result }) => ({
      id: questionId,
      question,
      label: result?.label ?? null,
      votes: result?.votes ?? 0,
      total: result?.total ?? 0,
      tie: result?.tie ?? false,
    })),
    earlier,
    ...evaluated,
    policy,
  });
  let kept = 0;
  return decisions.map((decision, index) => ({
    questionId: questions[index]!.questionId,
    kept: decision.kept,
    reason: decision.reason,
    policy: decision.policy,
    policyVersion: decision.policyVersion,
    inputs: decision.inputs,
    datasetIndex: decision.kept ? kept++ : null,
  }));
}

export interface GroupRollout {
  rolloutId: number;
  item: number;
  sample: number;
  completion: string;
  question: string;
}

export interface JudgedRollout {
  /** The answer that was graded. */
  extracted: string | null;
  reward: RewardRow;
}

/** Rewards of the rollouts of one question of a step, against its label. */
export function judgeGroup(
  { run, preset }: MethodContext,
  place: { iteration: number; unit: number },
  group: readonly GroupRollout[],
  label: string,
): JudgedRollout[] {
  const at = { runId: run.runId, ...place, phase: 'solver_training' as const };
  const judged = group.map(({ completion, question }) => solverReward(completion, label, preset, { question }));
  const totals = judged.map((reward, i) => controlledReward(run, at, group[i]!.item, group[i]!.sample, reward.total));
  const advantages = groupAdvantages(totals);
  return group.map(({ rolloutId }, i) => ({
    extracted: judged[i]!.extracted,
    reward: solverRewardRow(rolloutId, judged[i]!, { total: totals[i]!, advantage: advantages[i]! }),
  }));
}

/** Rollouts of the same question, which come one after the other. */
export function groupsOf<T extends { item: number }>(rollouts: readonly T[]): T[][] {
  const groups: T[][] = [];
  for (const rollout of rollouts) {
    const group = groups.at(-1);
    if (group?.[0]?.item === rollout.item) group.push(rollout);
    else groups.push([rollout]);
  }
  return groups;
}
