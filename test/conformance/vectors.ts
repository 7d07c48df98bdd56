import { readFileSync } from 'node:fs';

/** The recorded behaviour of the public code; produced by executing its functions, see `meta` inside. */
export interface Vectors {
  bleu_pairs: { hypothesis: string; reference: string; bleu: number; distance: number }[];
  clustering: {
    name: string;
    questions: string[];
    distance_matrix: number[][];
    canonical_labels: number[];
    penalty: number[];
    merge_heights: number[];
  }[];
  clustering_single_item: { questions: string[] };
  clustering_empty_list: { questions: string[]; penalty: number[] };
  split_list_into_4_shards: { n_items: number; shard_sizes: number[]; first_indices: (number | null)[] }[];
  uncertainty_table_m10: { k: number; m: number; score: number; code_min: number; paper_tent: number }[];
  boxed_extraction: {
    text: string;
    mathruler_extract_boxed_content: string;
    question_generate_extract_boxed: string[];
  }[];
  question_extraction: {
    name: string;
    completion: string;
    training_reward_parse: { question: string; answer: string };
    dataset_generation_parse: { question: string; answer: string; score: number };
    valid_in_training: boolean;
    valid_in_generation: boolean;
  }[];
  challenger_composite: {
    score: number | null;
    question_valid: boolean;
    cluster_size: number;
    batch: number;
    code_overall: number;
    paper_reward: number;
  }[];
  challenger_reward_end_to_end: {
    solver_completions: Record<string, string[]>;
    cases: { name: string; completion: string; overall: number; format: number; accuracy: number }[];
  };
  grade_answer: {
    given: string;
    truth: string;
    given_vs_truth: boolean;
    truth_vs_given: boolean;
    decided_by: string;
    mathd_norm_given: string;
    mathd_norm_truth: string;
    norm_given: string;
    norm_truth: string;
  }[];
  grade_answer_null_inputs: { given: string | null; truth: string | null; result: boolean }[];
  majority_vote: {
    name: string;
    completions: string[];
    extracted: string[];
    server: { majority: string; score: number; challenger_uncertainty_code: number };
    dataset_builder_all10: { majority: string; score: number; n_kept: number } | null;
    dataset_builder_first9: { majority: string; score: number; n_kept: number } | null;
  }[];
  dataset_builder_text_filters: {
    name: string;
    question: string;
    answer_given_by_all_9: string | null;
    kept_by_evaluate: boolean;
  }[];
  dataset_builder_skips_score_minus_1: { in: number; out: number };
  score_band_filter: {
    input: { answer: string; score: number }[];
    kept: { problem: string; answer: string; score: number }[];
    kept_counts_of_9: number[];
    kept_counts_of_10: number[];
    'paper_delta_0.25_counts_of_10': number[];
  };
  solver_reward: {
    name: string;
    completion: string;
    pseudo_label: string;
    overall: number;
    format: number;
    accuracy: number;
  }[];
  grpo: {
    grpo_advantage: { rewards: number[]; advantages: number[] }[];
    policy_loss: {
      clip_ratio_low: number;
      clip_ratio_high: number;
      clip_ratio_dual: number;
      kl_coef: number;
      old_log_probs: number[][];
      log_probs: number[][];
      ref_log_probs: number[][];
      advantages: number[][];
      response_mask: number[][];
      micro_batch_of_2: {
        pg_loss: number;
        pg_clipfrac_higher: number;
        pg_clipfrac_lower: number;
        ppo_kl: number;
        kl_loss_k3: number;
        total_loss: number;
      };
      micro_batches_of_1_averaged: { total_loss: number };
      k3_per_token: number[][];
    };
    kl_k3_points: { log_prob: number; ref_log_prob: number; k3: number }[];
    dual_clip_points: { ratio: number; advantage: number; loss: number; clip_high: number; clip_low: number }[];
    trainer_global_step_after_fit: {
      batches_per_epoch: number;
      total_epochs: number;
      max_steps: number;
      final_global_step: number;
    }[];
    masked_mean: { values: number[][]; mask: number[][]; mean: number }[];
  };
  multiple_choice_prediction: {
    output: string;
    extract_solution: string | null;
    prediction_supergpqa: string;
    prediction_mmlupro: string;
  }[];
  prompts: {
    challenger_system_training: TextRecord;
    challenger_system_generation: TextRecord;
    challenger_user: TextRecord;
    solver_system: TextRecord;
    no_chat_template_rendering: { challenger_full_prompt: TextRecord };
  };
  sampling_params_observed: {
    challenger_question_generation: SamplingRecord;
    challenger_reward_servers: SamplingRecord;
    dataset_labelling: SamplingRecord;
  };
  eval_math_compare: { response: string; answer: string; extracted: string | null; math_verify_correct: boolean }[];
  bbeh_evaluate_correctness: { solution: string; reference: string; correct: boolean }[];
}

export interface TextRecord {
  text?: string;
  chars: number;
  utf8_bytes: number;
  sha256: string;
}

export interface SamplingRecord {
  max_tokens: number;
  temperature: number;
  top_p: number;
  top_k?: number;
  n: number;
  stop_token_ids?: number[];
}

/** A file holds any of the families. */
export type VectorFile = Partial<Vectors> & { meta?: unknown };

export function loadVectors(file: string | URL): VectorFile {
  return JSON.parse(readFileSync(file, 'utf8')) as VectorFile;
}
