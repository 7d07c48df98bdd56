/** Reads the input of `rZeroNightly` as it comes from a schedule, where it may be anything. */
import type { Budget, RunInput } from '../activities/contract.ts';
import type { NightlyInput } from './messages.ts';
import { describe, invalid, isRecord } from './run-request.ts';

export interface Night {
  runId: string;
  /** False when the input names no run. */
  isNamed: boolean;
  iterations: number;
  budget: Budget;
  /** Settings of a run that is not there yet. */
  run: RunInput | undefined;
}

const FIELDS = ['runId', 'iterations', 'budget', 'run'] as const satisfies (keyof NightlyInput)[];
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** They are the night's own. */
const NOT_IN_RUN = ['runId', 'iterations', 'budget'];
const MOST_ITERATIONS = 1000;

/**
 * @param defaultRunId name of the run when the input gives none
 * @throws ApplicationFailure `RunInputInvalid`; fields of `budget` and `run` are checked when the run is opened
 */
export function resolveNight(input: unknown, defaultRunId: string): Night {
  const given = input ?? {};
  if (!isRecord(given)) {
    throw invalid(`The input must be one JSON object, not ${describe(given)}.`, 'For example {"runId": "demo"}.');
  }
  const unknown = Object.keys(given).find((field) => !(FIELDS as readonly string[]).includes(field));
  if (unknown !== undefined) {
    const fix = 'Settings of a new run belong into "run".';
    throw invalid(`There is no field ${describe(unknown)}; a night has ${FIELDS.join(', ')}.`, fix);
  }
  const { runId = defaultRunId, iterations = 1, budget = {}, run } = given;
  if (typeof runId !== 'string' || !RUN_ID.test(runId)) {
    throw invalid(
      `runId must be letters, digits, ".", "_" and "-", at most 100, not ${describe(runId)}.`,
      'Name the run to advance, or leave it out.',
    );
  }
  if (
    typeof iterations !== 'number' ||
    !Number.isInteger(iterations) ||
    iterations < 1 ||
    iterations > MOST_ITERATIONS
  ) {
    throw invalid(
      `iterations must be a whole number from 1 to ${MOST_ITERATIONS}, not ${describe(iterations)}.`,
      'It is how many more a night finishes.',
    );
  }
  if (!isRecord(budget)) {
    throw invalid(`budget must be an object, not ${describe(budget)}.`, 'For example {"engineMinutes": 240}.');
  }
  if ('iterations' in budget) {
    throw invalid('The budget of a night has no iterations of its own.', 'Say "iterations" beside it.');
  }
  return { runId, isNamed: given['runId'] !== undefined, iterations, budget, run: settingsOf(run) };
}

function settingsOf(run: unknown): RunInput | undefined {
  if (run === undefined || run === null) return undefined;
  if (!isRecord(run)) throw invalid(`run must be an object, not ${describe(run)}.`, 'For example {"seed": 2}.');
  const own = NOT_IN_RUN.find((field) => field in run);
  if (own !== undefined) throw invalid(`"run" may not have ${own}.`, `Say ${own} beside it.`);
  return run;
}
