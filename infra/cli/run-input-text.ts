import { readFileSync } from 'node:fs';
import type { RunInput } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { resolveRunInput } from '../../activities/run-input.ts';

/**
 * The input of a run from `--input` (JSON, or `@file`; `@-` reads standard input) with single fields laid over it. Every
 * field is checked before anything is started.
 *
 * @param complete adds what the person leaves out, before the check
 * @throws RZeroError `RunInputInvalid`
 */
export function readRunInput(
  text: string | undefined,
  fields: Partial<RunInput>,
  complete: (given: RunInput) => RunInput = (given) => given,
): RunInput {
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const input = complete({ ...(text === undefined ? {} : parse(text)), ...given });
  resolveRunInput(input);
  return input;
}

/** Some settings, for a run that is known: which of them may change, and to what, is checked against the run. */
export function readSettings(text: string | undefined): RunInput | undefined {
  return text === undefined ? undefined : parse(text);
}

function parse(text: string): RunInput {
  const source = text.startsWith('@') ? read(text.slice(1)) : text;
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    throw invalid(`--input is not JSON: ${error instanceof Error ? error.message : String(error)}.`, error);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as RunInput;
  throw invalid('--input is not one JSON object.');
}

function read(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw invalid(
      `The file of --input cannot be read (${error instanceof Error ? error.message : String(error)}).`,
      error,
    );
  }
}

function invalid(message: string, cause?: unknown): RZeroError {
  return new RZeroError('RunInputInvalid', message, {
    field: '--input',
    fix: `Give one JSON object, e.g. --input '{"iterations": 2}', or a file as --input @run.json.`,
    cause,
  });
}
