import type { UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { SamplingParams } from './engine/types.ts';
import { RZeroError } from './errors.ts';
import { canonicalAnswer, isIncomparable } from './method/answers/answer-canonical.ts';
import { grade, readingOf } from './method/answers/answer-equivalence.ts';
import { isWorked } from './method/evaluation.ts';
import { getPreset } from './method/presets.ts';
import type { FrozenPreset } from './method/presets.ts';
import { deriveSeed } from './method/seeds.ts';
import { extractAnswer, vote } from './method/voting.ts';
import { solverPrompt } from './profile.ts';
import { mapInSlices } from './in-slices.ts';
import { sampleAs } from './sampling.ts';
import type { SampledText } from './sampling.ts';
import { withModel } from './store.ts';
import { runUnit } from './unit.ts';
import { insertRows } from '../db/bulk.ts';
import { readQuestionSet } from '../db/queries/evaluation-sets.ts';
import { checkpointBefore } from '../db/queries/lineage.ts';
import { evaluationItems, evaluations } from '../db/schema.ts';

const SET_NAME = 'held-out';

/** Unit 0 answers the held-out questions greedily, unit 1 samples them at temperature 1. */
export function evaluateSolver(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'evaluation', ref, async (context) => {
    const { run, config, profile, place, call } = context;
    const set = await readQuestionSet(deps.database, run.heldOutHash);
    if (!set) throw new RZeroError('Internal', 'An evaluation was planned for a run without held-out questions.');
    const mode = place.unit === 0 ? 'greedy' : 'sampled';
    const samples = mode === 'greedy' ? 1 : config.evaluation.samples;
    const held = set.items.slice(0, config.evaluation.questions);
    const checkpointId = await checkpointBefore(deps.database, run.runId, 'solver', place.iteration + 1, 0);
    const prompts = held.flatMap(({ question }, item) =>
      Array.from({ length: samples }, (_, sample) => ({
        prompt: solverPrompt(profile, question),
        // The same random streams at every iteration: differences between iterations are the model's.
        seed: deriveSeed({ runSeed: run.seed, ...place, iteration: 0, item, sample, stream: 'evaluation' }),
      })),
    );
    const sampled = await withModel(deps, checkpointId, { threads: config.threads, call }, (solver) =>
      sampleAs('solver', deps, context, solver, prompts, evaluationParams(mode)),
    );
    const preset = getPreset(config.preset);
    const judge = (completion: SampledText, index: number) => {
      const item = Math.floor(index / samples);
      const { question, answer: expected } = held[item]!;
      return {
        item,
        sample: index % samples,
        seed: completion.seed,
        question,
        expected,
        completion: completion.text,
        ...gradeSample(preset, completion.text, held[item]!),
      };
    };
    const judged = await mapInSlices(sampled, judge, call.signal);
    const majorityCorrect = held.filter((asked, item) => {
      const own = judged.slice(item * samples, (item + 1) * samples).map(({ extracted }) => extracted);
      return majorityIsCorrect(preset, own, asked);
    }).length;
    const count = (matches: (entry: (typeof judged)[number]) => boolean) => judged.filter(matches).length;
    const correct = count((entry) => entry.correct);
    return {
      usesModel: true,
      metrics: { [`${mode}Accuracy`]: correct / judged.length, majorityAccuracy: majorityCorrect / held.length },
      write: async (client) => {
        const [row] = await insertRows(
          client,
          evaluations,
          [
            {
              ...place,
              setName: SET_NAME,
              setHash: set.hash,
              mode,
              checkpointId,
              items: held.length,
              samplesPerItem: samples,
              correct,
              majorityCorrect,
              worked: count((entry) => entry.worked),
              workedCorrect: count((entry) => entry.worked && entry.correct),
            },
          ],
          { returning: ['evaluation_id'] },
        );
        const evaluationId = Number(row!.evaluation_id);
        await insertRows(
          client,
          evaluationItems,
          judged.map((entry) => ({ evaluationId, ...entry })),
        );
      },
    };
  });
}

/** What of the Solver's sampling is not as in training. */
export function evaluationParams(
  mode: 'greedy' | 'sampled',
): Pick<SamplingParams, 'temperature' | 'topK' | 'topP' | 'minP'> {
  return { temperature: mode === 'greedy' ? 0 : 1, topK: 0, topP: 1, minP: 0 };
}

interface HeldOutQuestion {
  question: string;
  /** The true one. */
  answer: string;
}

export function gradeSample(
  preset: FrozenPreset,
  completion: string,
  { question, answer }: HeldOutQuestion,
): { extracted: string | null; correct: boolean; incomparable: boolean; worked: boolean } {
  const extracted = extractAnswer(completion, preset);
  return {
    extracted,
    correct: extracted !== null && grade(extracted, answer, preset.grader, readingOf(question)),
    incomparable: extracted !== null && isIncomparable(canonicalAnswer(extracted, readingOf(question))),
    worked: isWorked(completion),
  };
}

/** @param extracted the answers of all samples */
export function majorityIsCorrect(
  preset: FrozenPreset,
  extracted: readonly (string | null)[],
  { question, answer }: HeldOutQuestion,
): boolean {
  const { label } = vote(extracted, preset, 'labelling', { question });
  return label !== null && grade(label, answer, preset.grader, readingOf(question));
}
