/** What one start of a run may spend: its fields, and whether it is spent. Accounting is from rows, see `db/views/05-starts.sql`. */
import { z } from 'zod';
import type pg from 'pg';
import type { Budget, BudgetState } from './contract.ts';
import { readSpending } from '../db/queries/starts.ts';

const whole = z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional();
/** At most a year. */
const minutes = z.number().gt(0).max(527_040).optional();

export const budgetFields = z.strictObject({
  iterations: z.int().min(1).max(1000).optional(),
  engineMinutes: minutes,
  minutes,
  tokens: whole,
  questions: whole,
});

/** @returns undefined when nothing is limited. */
export function limitsOf(budget: z.output<typeof budgetFields> | undefined): Budget | undefined {
  const given = Object.entries(budget ?? {}).filter(([, limit]) => limit !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

const WORDS = {
  engineMinutes: 'engine minutes',
  minutes: 'minutes',
  tokens: 'tokens',
  questions: 'questions',
} as const satisfies Record<keyof BudgetState['spent'], string>;

/** The budget of the run's newest start. @returns undefined when it has none */
export async function readBudget(database: pg.Pool, runId: string): Promise<BudgetState | undefined> {
  const spending = await readSpending(database, runId);
  if (!spending?.budget) return undefined;
  const { budget: limits, engineSeconds, seconds, tokens, questions } = spending;
  const spent = { engineMinutes: round(engineSeconds / 60), minutes: round(seconds / 60), tokens, questions };
  const exhausted = whatIsSpent(limits, spent);
  return { limits, spent, ...(exhausted === undefined ? {} : { exhausted }) };
}

function whatIsSpent(limits: Budget, spent: BudgetState['spent']): string | undefined {
  for (const [name, words] of Object.entries(WORDS) as [keyof typeof WORDS, string][]) {
    const limit = limits[name];
    if (limit !== undefined && spent[name] >= limit) return `The budget is spent: ${spent[name]} of ${limit} ${words}.`;
  }
  return undefined;
}

/** Down to a hundredth of a minute, so that a limit is never reached in words before it is. */
function round(value: number): number {
  return Math.floor(value * 100) / 100;
}
