import type { RunInput } from '../../activities/contract.ts';
import { TINY } from './activities.ts';

/** Questions and labels of the base model, as soon as can be: nothing is trained. */
export const UNTRAINED: RunInput = {
  ...TINY,
  challenger: { ...(TINY['challenger'] as object), steps: 0 },
  solver: { ...(TINY['solver'] as object), steps: 0 },
  evaluation: { questions: 1, samples: 1 },
};
