/** The runs that faults strike: seconds long, with more than one unit in every phase that can have them, on the built-in model. */
import type { RunInput } from '../../../activities/contract.ts';

const TINY = {
  iterations: 1,
  challenger: { steps: 3, rollouts: 32, groupSize: 8, votes: 4 },
  labelling: { questions: 96, shardSize: 32, votes: 4 },
  gate: { minimumQuestions: 2 },
  solver: { steps: 4, questions: 32, groupSize: 8 },
  evaluation: { questions: 64, samples: 2 },
} satisfies RunInput;
const LORA = { r: 4, loraAlpha: 8 };

export const INPUTS = {
  weights: TINY,
  /** Both kinds of checkpoint in one run: the Challenger's weights, and adapters of the Solver. */
  adapters: { ...TINY, solver: { ...TINY.solver, learningRate: 1e-3, lora: LORA } },
} as const satisfies Record<string, RunInput>;

export type InputName = keyof typeof INPUTS;
