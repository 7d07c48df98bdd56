import type { RunInput } from '../../activities/contract.ts';

/** One iteration of the paper: 6 steps of 2,048 questions, 8,000 questions to label, 20 steps of 2,560 rollouts; m = 10. */
export const PAPER: RunInput = {
  preset: 'paper',
  iterations: 1,
  challenger: { steps: 6, rollouts: 2048, groupSize: 4, votes: 10, maxTokens: 2048 },
  labelling: { questions: 8000, shardSize: 1000, votes: 10 },
  solver: { steps: 20, questions: 512, groupSize: 5, maxTokens: 4096 },
  evaluation: { questions: 400, samples: 8 },
};

/** The same shards and steps with a fortieth of the rows, for many runs at once. */
export const SMALL: RunInput = {
  preset: 'paper',
  iterations: 1,
  challenger: { steps: 6, rollouts: 48, groupSize: 4, votes: 10, maxTokens: 2048 },
  labelling: { questions: 200, shardSize: 25, votes: 10 },
  solver: { steps: 20, questions: 12, groupSize: 5, maxTokens: 4096 },
  evaluation: { questions: 50, samples: 2 },
};
