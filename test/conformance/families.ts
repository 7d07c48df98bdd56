/** Every family of recorded vectors, and the check of its items. */
import assert from 'node:assert/strict';
import { splitList } from '../../activities/method/official/official-settings.ts';
import type { Case } from './case.ts';
import * as challenger from './families/challenger.ts';
import * as evaluation from './families/evaluation.ts';
import { grpo } from './families/grpo.ts';
import * as settings from './families/settings.ts';
import * as solver from './families/solver.ts';
import type { VectorFile, Vectors } from './vectors.ts';

type Families = { [K in keyof Vectors]: (recorded: Vectors[K]) => Case[] };

const FAMILIES: Families = {
  bleu_pairs: challenger.bleuPairs,
  clustering: challenger.clustering,
  clustering_single_item: challenger.clusteringSingleItem,
  clustering_empty_list: challenger.clusteringEmptyList,
  split_list_into_4_shards: (items) =>
    items.map((entry) => ({
      name: `${entry.n_items} items`,
      check: () => {
        const shards = splitList(
          Array.from({ length: entry.n_items }, (_, i) => i),
          entry.shard_sizes.length,
        );
        assert.deepEqual(
          shards.map((shard) => shard.length),
          entry.shard_sizes,
        );
        assert.deepEqual(
          shards.map(([first]) => first ?? null),
          entry.first_indices,
        );
      },
    })),
  uncertainty_table_m10: challenger.uncertaintyTable,
  boxed_extraction: challenger.boxedExtraction,
  question_extraction: challenger.questionExtraction,
  challenger_composite: challenger.challengerComposite,
  challenger_reward_end_to_end: challenger.challengerEndToEnd,
  grade_answer: solver.gradeAnswer,
  grade_answer_null_inputs: solver.gradeNulls,
  majority_vote: solver.majorityVote,
  dataset_builder_text_filters: solver.textFilters,
  dataset_builder_skips_score_minus_1: solver.skippedRows,
  score_band_filter: solver.scoreBand,
  solver_reward: solver.solverRewards,
  sampling_params_observed: settings.samplingParameters,
  prompts: settings.prompts,
  multiple_choice_prediction: evaluation.multipleChoice,
  bbeh_evaluate_correctness: evaluation.bbeh,
  eval_math_compare: evaluation.mathCompare,
  grpo,
};

export interface Family {
  name: string;
  cases: Case[];
}

/** The families of a file in its own order. A family that has no check here is one failing case: it must not pass unseen. */
export function familiesOf(file: VectorFile): Family[] {
  return Object.entries(file)
    .filter(([name]) => name !== 'meta')
    .map(([name, recorded]) => ({ name, cases: casesOf(name, recorded) }));
}

function casesOf(name: string, recorded: unknown): Case[] {
  const refusal = (reason: string): Case[] => [{ name: 'the family as a whole', check: () => assert.fail(reason) }];
  if (!Object.hasOwn(FAMILIES, name)) return refusal('there is no check for this family');
  try {
    return (FAMILIES[name as keyof Vectors] as (recorded: unknown) => Case[])(recorded);
  } catch (error) {
    return refusal(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
