import { InvalidArgumentError, Option } from 'commander';
import type { Budget } from '../../activities/contract.ts';

const NAMES = ['iterations', 'engineMinutes', 'minutes', 'tokens', 'questions'] as const satisfies (keyof Budget)[];

/** `engineMinutes=240,tokens=5000000`; ranges are checked with the rest of the input. */
function parseBudget(text: string): Budget {
  const budget: Budget = {};
  for (const part of text.split(',')) {
    const [name = '', value = '', ...rest] = part.split('=').map((word) => word.trim());
    const known = NAMES.find((field) => field === name);
    if (known === undefined) throw new InvalidArgumentError(`Limits are ${NAMES.join(', ')}, not "${name}".`);
    if (!/^\d+(\.\d+)?$/.test(value) || rest.length > 0) {
      throw new InvalidArgumentError(`Give ${name} a number, such as ${name}=100.`);
    }
    budget[known] = Number(value);
  }
  return budget;
}

export const budgetOption = (whose: string) =>
  new Option(
    '--budget <limits>',
    `what ${whose} may spend, e.g. engineMinutes=240,tokens=5000000; also minutes and questions; it ends after the shard or step at work`,
  ).argParser(parseBudget);
