import type { BaseEvaluation } from './evaluate-base.ts';
import type { PretrainRecipe } from './recipe.ts';

export interface TrainingRecord extends PretrainRecipe {
  parameters: number;
  /** sha-256 of model.safetensors. */
  weightsSha256: string;
  backend: string;
  /** How steps were run; operation by operation where it is not said. */
  execution?: 'traced' | 'eager';
  /** Mean cross-entropy per token over the last 50 steps, nats. */
  finalLoss: number;
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** Text of the model folder's README, with the numbers of the training that wrote it. */
export function baseModelReadme(record: TrainingRecord, evaluation: BaseEvaluation): string {
  return `# Base model

A Llama-style decoder of ${record.parameters.toLocaleString('en-US')} parameters in Hugging Face form, trained from random weights
by \`npm run pretrain\` (this file included; edit \`infra/pretrain/readme.ts\` instead). It is where a run starts when no
other model is named.

It adds up two to five single digits, either by running sums (two answers in five, mostly right) or by a guess
(the rest, mostly wrong). So it can reason and usually does not, and a majority of its answers knows more than any one of them.

| on ${evaluation.questions} held-out questions | |
| --- | --- |
| greedy accuracy | ${percent(evaluation.greedy)} |
| sampled accuracy, temperature 1 | ${percent(evaluation.sampled)} |
| majority of ${evaluation.votes} | ${percent(evaluation.majority)} |
| share of worked answers, greedy | ${percent(evaluation.greedyWorkedShare)} |
| share of worked answers, sampled | ${percent(evaluation.workedShare)} |
| accuracy of worked answers | ${percent(evaluation.workedAccuracy)} |
| accuracy of guesses | ${percent(evaluation.guessAccuracy)} |

| file | content |
| --- | --- |
| \`config.json\`, \`model.safetensors\` | Llama family, float32, tied embeddings |
| \`tokenizer.json\`, \`tokenizer_config.json\` | 28 tokens: characters, and single tokens for the box and the question tags |
| \`r-zero.json\` | how the two roles are prompted, and what a question must look like |
| \`held-out.jsonl\` | questions that no row of the corpus holds, whichever role speaks |
| \`training.json\` | recipe, sha-256 of the weights and the evaluation above |

Trained for ${record.steps.toLocaleString('en-US')} steps of ${record.batchSize} rows with seed ${record.seed}, ${record.threads} threads, on ${record.backend}. ${reproduction(record)}
Another machine may differ in the last bits, so the files are committed.
`;
}

function reproduction({ execution = 'eager' }: TrainingRecord): string {
  if (execution === 'traced') return 'The same command on the\nsame machine gives the same bytes.';
  return `Steps ran
operation by operation: \`R_ZERO_ENGINE_EXECUTION=eager npm run pretrain\` gives the same bytes on the same machine. \`npm run pretrain\` alone
runs them as traced graphs, which is faster and adds up in another order: that gives a model of the same kind, not these bytes.`;
}
