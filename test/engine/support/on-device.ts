/**
 * A program: log-probabilities, entropies and gradients of the demo's model, and on what they were computed. Device and
 * precision are chosen by the environment.
 */
import type { EngineDescription } from '../../../activities/engine/types.ts';
import { DEMO, makeModel, runtime } from './models.ts';
import { numbersOf } from './scores-and-gradients.ts';
import type { ScoresAndGradients } from './scores-and-gradients.ts';

export interface OnDevice extends ScoresAndGradients {
  description: EngineDescription;
}

const { description } = await runtime();
const out: OnDevice = { description, ...(await numbersOf(await makeModel(DEMO))) };
process.stdout.write(JSON.stringify(out));
