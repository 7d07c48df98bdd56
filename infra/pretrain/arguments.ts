import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { RZeroError } from '../../activities/errors.ts';
import { PRETRAIN_DEFAULTS, type PretrainRecipe } from './recipe.ts';

export interface PretrainArguments {
  help: boolean;
  recipe: PretrainRecipe;
  /** Absolute folder to write; replaced as a whole when it exists. */
  out: string;
}

export const USAGE = `Usage: npm run pretrain -- [options]

Trains the base model from random weights on the synthetic corpus, evaluates it on the held-out
questions and replaces the output folder. The same seed, steps and threads give the same weights
on the same machine.

  --seed N      corpus and initial weights, 0 to 4294967295   (default ${PRETRAIN_DEFAULTS.seed})
  --steps N     optimizer steps, 1 to 100000                  (default ${PRETRAIN_DEFAULTS.steps})
  --threads N   threads inside one operation, 1 to 64         (default ${PRETRAIN_DEFAULTS.threads})
  --out DIR     folder to write                               (default activities/engine/base-model)
  -h, --help    this text
`;

function integer(option: string, text: string | undefined, fallback: number, low: number, high: number): number {
  if (text === undefined) return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new RZeroError('RunInputInvalid', `--${option} is ${JSON.stringify(text)}.`, {
    field: `--${option}`,
    fix: `Give a whole number from ${low} to ${high}.`,
  });
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        seed: { type: 'string' },
        steps: { type: 'string' },
        threads: { type: 'string' },
        out: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message.split('. ')[0] : String(error);
    throw new RZeroError('RunInputInvalid', `${message}.`, { fix: 'See --help for the options.', cause: error });
  }
}

/** @throws RZeroError `RunInputInvalid`, naming the option. */
export function parseArguments(argv: readonly string[], defaultOut: string): PretrainArguments {
  const values = parse(argv);
  if (values.out === '') {
    throw new RZeroError('RunInputInvalid', '--out is empty.', { field: '--out', fix: 'Name a folder.' });
  }
  return {
    help: values.help ?? false,
    recipe: {
      ...PRETRAIN_DEFAULTS,
      seed: integer('seed', values.seed, PRETRAIN_DEFAULTS.seed, 0, 2 ** 32 - 1),
      steps: integer('steps', values.steps, PRETRAIN_DEFAULTS.steps, 1, 100_000),
      threads: integer('threads', values.threads, PRETRAIN_DEFAULTS.threads, 1, 64),
    },
    out: resolve(values.out ?? defaultOut),
  };
}
