/** Reads what comes with an update, from the Temporal UI or a program: one JSON object, or nothing. */
import type { ExtendRequest, ResetToRequest } from './messages.ts';
import { describe, invalid, isRecord } from './run-request.ts';
import { PHASES } from './units.ts';

/** Protects from a slip of the finger; nothing else limits the number of iterations. */
const MOST_ITERATIONS = 1000;
const LONGEST_REASON = 200;

/** @param planned iterations that are planned now. @throws ApplicationFailure `RunInputInvalid` */
export function checkExtension(request: ExtendRequest | undefined, planned: number): void {
  const iterations: unknown = request?.iterations;
  if (iterations === undefined) return;
  if (typeof iterations !== 'number' || !Number.isInteger(iterations)) {
    throw invalid(`iterations must be a whole number, not ${describe(iterations)}.`, 'For example {"iterations": 5}.');
  }
  if (iterations <= planned) {
    throw invalid(
      `iterations is the new total and must be above ${planned}, which is planned now.`,
      `Got ${iterations}.`,
    );
  }
  if (iterations > MOST_ITERATIONS)
    throw invalid(`iterations may be at most ${MOST_ITERATIONS}.`, `Got ${iterations}.`);
}

/** The activity knows the fields. @throws ApplicationFailure `RunInputInvalid` */
export function checkInput(input: unknown): void {
  if (input === undefined || isRecord(input)) return;
  throw invalid(`input must be one JSON object, not ${describe(input)}.`, 'For example {"microBatch": 32}.');
}

const EXAMPLE = 'For example {"iteration": 1, "phase": "labelling"}.';

/** @throws ApplicationFailure `RunInputInvalid` */
export function checkReset(request: ResetToRequest | undefined): void {
  const { iteration, phase, input } = (request ?? {}) as Partial<Record<keyof ResetToRequest, unknown>>;
  if (typeof iteration !== 'number' || !Number.isInteger(iteration) || iteration < 0) {
    throw invalid(`iteration must be a whole number from 0, not ${describe(iteration)}.`, EXAMPLE);
  }
  // Not `in`: "toString" is no phase.
  if (typeof phase !== 'string' || !Object.hasOwn(PHASES, phase)) {
    throw invalid(`phase must be one of ${Object.keys(PHASES).join(', ')}, not ${describe(phase)}.`, EXAMPLE);
  }
  checkInput(input);
}

/** @param request as it came, which may be anything. @throws ApplicationFailure `RunInputInvalid` */
export function checkRequest(update: string, request: unknown, known: readonly string[]): void {
  if (request === undefined || request === null) return;
  if (!isRecord(request)) {
    throw invalid(`${update} takes one JSON object or nothing, not ${describe(request)}.`, 'Leave the input empty.');
  }
  const unknown = Object.keys(request).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw invalid(`${update} has no field ${describe(unknown)}.`, `Known: ${known.join(', ')}.`);
  }
  const reason = request['reason'];
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > LONGEST_REASON)) {
    throw invalid(`reason must be a text of at most ${LONGEST_REASON} characters.`, `Got ${describe(reason)}.`);
  }
}
