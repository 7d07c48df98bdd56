import type { RunInput } from '../../activities/contract.ts';

/**
 * What a first run on a model of the user's does unless told otherwise: every phase once, in minutes on two cores. It shows
 * that the loop runs on that model; four updates at these rates teach nothing that could be measured.
 *
 * Small models are incoherent at temperature 1: SmolLM2-135M then answers one easy question in fifty correctly. Each role is
 * sampled, and trained, at a lower one.
 */
export const SMALL_RUN: RunInput = {
  iterations: 1,
  prompts: 'few-shot',
  batchSize: 64,
  microBatch: 2,
  challenger: {
    steps: 2,
    rollouts: 8,
    groupSize: 4,
    votes: 4,
    maxTokens: 96,
    temperature: 0.7,
    learningRate: 1e-6,
    warmupSteps: 0,
    klCoefficient: 0.01,
  },
  labelling: { questions: 16, shardSize: 16, votes: 8 },
  gate: { lower: 0.25, upper: 0.75, minimumQuestions: 4, onTooFew: 'skip' },
  solver: {
    steps: 2,
    questions: 4,
    groupSize: 4,
    maxTokens: 64,
    temperature: 0.6,
    learningRate: 1e-6,
    warmupSteps: 0,
    klCoefficient: 0.01,
  },
};

/** What is given, over the small run, field by field; only for a model of the user's. */
export function overSmallRun(given: RunInput): RunInput {
  if (given['model'] === undefined || given['model'] === 'builtin') return given;
  const merged: RunInput = { ...SMALL_RUN };
  for (const [field, value] of Object.entries(given)) {
    const below = SMALL_RUN[field];
    merged[field] = isSection(below) && isSection(value) ? { ...below, ...value } : value;
  }
  return merged;
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
