import type { UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { SamplingParams } from './engine/types.ts';
import { RZeroError } from './errors.ts';
import { askedOf } from './evaluation-sets/asked.ts';
import { compareEvaluation } from './evaluation-sets/compare.ts';
import { gradeSample, majorityIsCorrect } from './evaluation-sets/grading.ts';
import { shownQuestion } from './evaluation-sets/item.ts';
import { HELD_OUT, evaluationUnits } from './evaluation-sets/units.ts';
import type { EvaluationUnit } from './evaluation-sets/units.ts';
import { getPreset } from './method/presets.ts';
import { deriveSeed } from './method/seeds.ts';
import { mapInSlices } from './in-slices.ts';
import { sampleAs } from './sampling.ts';
import type { SampledText } from './sampling.ts';
import { withModel } from './store.ts';
import { runUnit } from './unit.ts';
import { insertRows } from '../db/bulk.ts';
import { readSetItems } from '../db/queries/evaluation-sets.ts';
import { checkpointBefore } from '../db/queries/lineage.ts';
import { readRunSets } from '../db/queries/run-sets.ts';
import { evaluationComparisons, evaluationItems, evaluations } from '../db/schema.ts';

/** Asks the questions of a unit (evaluation-sets/units.ts), and compares the set with earlier iterations when it is the last of its set. */
export function evaluateSolver(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'evaluation', ref, async (context) => {
    const { run, config, profile, place, call } = context;
    const sets = await readRunSets(deps.database, run.runId);
    const planned = evaluationUnits(config, run.heldOutHash === null ? 0 : config.evaluation.questions, sets);
    const unit = planned[place.unit];
    const setHash = unit?.set?.setHash ?? run.heldOutHash;
    if (!unit || setHash === null)
      throw new RZeroError('Internal', 'An evaluation was planned that the run does not have.');
    const { mode, samples, from } = unit;
    // A comparison needs all of them, a shard its own.
    const items = await readSetItems(deps.database, setHash, { from: unit.isLast ? 0 : from, to: unit.to });
    const held = items.slice(unit.isLast ? from : 0);
    const { prompt, grader } = askedOf(unit, profile, getPreset(config.preset));
    const checkpointId = await checkpointBefore(deps.database, run.runId, 'solver', place.iteration + 1, 0);
    const prompts = held.flatMap((item, index) =>
      Array.from({ length: samples }, (_, sample) => ({
        prompt: prompt(item),
        // The same random streams at every iteration: differences between iterations are the model's.
        seed: deriveSeed({ ...streamOf(unit, run.seed), item: from + index, sample }),
      })),
    );
    const sampled = await withModel(deps, checkpointId, { threads: config.threads, call }, (solver) =>
      sampleAs('solver', deps, context, solver, prompts, evaluationParams(unit)),
    );
    const judge = (completion: SampledText, index: number) => {
      const asked = held[Math.floor(index / samples)]!;
      return {
        item: from + Math.floor(index / samples),
        sample: index % samples,
        seed: completion.seed,
        question: shownQuestion(asked),
        expected: asked.answer,
        completion: completion.text,
        ...gradeSample(grader, completion.text, asked),
      };
    };
    const judged = await mapInSlices(sampled, judge, call.signal);
    const answers = held.map((_, index) => {
      const own = judged.slice(index * samples, (index + 1) * samples);
      return {
        item: from + index,
        extracted: own.map(({ extracted }) => extracted),
        correct: own.map((entry) => entry.correct),
      };
    });
    const majorityCorrect = held.filter((item, index) =>
      majorityIsCorrect(grader, answers[index]!.extracted, item),
    ).length;
    const count = (matches: (entry: (typeof judged)[number]) => boolean) => judged.filter(matches).length;
    const correct = count((entry) => entry.correct);
    const setName = unit.set?.setName ?? HELD_OUT;
    const compared = { run, iteration: place.iteration, setName, setHash, mode, grader, items };
    const comparisons = unit.isLast ? await compareEvaluation(deps.database, compared, answers, call.signal) : [];
    return {
      usesModel: true,
      metrics: unit.set
        ? { setAnswers: judged.length, setCorrect: correct }
        : { [`${mode}Accuracy`]: correct / judged.length, majorityAccuracy: majorityCorrect / held.length },
      write: async (client) => {
        const [row] = await insertRows(
          client,
          evaluations,
          [
            {
              ...place,
              setName,
              setHash,
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
        if (comparisons.length > 0) {
          await insertRows(
            client,
            evaluationComparisons,
            comparisons.map((entry) => ({ ...place, ...entry })),
          );
        }
      },
    };
  });
}

/** Where in the run the samples of a unit take their seeds from: iterations share them, and so do the shards of a set. */
export function streamOf({ stream }: EvaluationUnit, runSeed: number) {
  return { runSeed, iteration: 0, phase: 'evaluation', unit: stream, stream: 'evaluation' };
}

/** What of the Solver's sampling is not as in training. */
export function evaluationParams({ set, mode }: EvaluationUnit): Partial<SamplingParams> {
  return {
    temperature: mode === 'greedy' ? 0 : (set?.temperature ?? 1),
    topK: 0,
    topP: 1,
    minP: 0,
    ...(set ? { maxTokens: set.maxTokens } : {}),
  };
}
