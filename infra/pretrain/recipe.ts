/** How the committed base model is trained. Changing a number here changes its weights: run `npm run pretrain` after. */
export interface PretrainRecipe {
  /** Seed of the corpus and of the initial weights. */
  seed: number;
  steps: number;
  /** Corpus rows per step. */
  batchSize: number;
  /** Adam, betas 0.9 and 0.99, no weight decay; linear warm-up, then cosine to a fiftieth, so that the last steps settle. */
  learningRate: number;
  warmupSteps: number;
  /** Threads inside one tensor operation. More of them change the order of sums, and so the last bits of the weights. */
  threads: number;
}

export const PRETRAIN_DEFAULTS: PretrainRecipe = {
  seed: 1,
  steps: 1000,
  batchSize: 128,
  learningRate: 3e-3,
  warmupSteps: 50,
  threads: 2,
};

/** Learning rate of a step, counted from 0. */
export function learningRateAt(step: number, recipe: PretrainRecipe): number {
  const warmup = Math.min(1, (step + 1) / recipe.warmupSteps);
  const cosine = 0.5 * (1 + Math.cos((Math.PI * step) / recipe.steps));
  return recipe.learningRate * warmup * (0.98 * cosine + 0.02);
}
