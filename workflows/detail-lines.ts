/** Single lines of the live details: numbers in words. */
import type { BudgetState, CheckpointRef, Phase } from '../activities/contract.ts';
import { code, escapeText, formatNumber, progressBar } from './markdown.ts';
import type { RunTimeLeft } from './messages.ts';
import { formatClock, formatDuration } from './time-left.ts';
import { PHASES } from './units.ts';

const MOST_METRICS = 20;
/** Counts that are told elsewhere on the page, and those of the engine's housekeeping; `r_zero.units` has all. */
const SELDOM_ASKED: ReadonlySet<string> = new Set([
  'kept',
  'needed',
  'short',
  'repeated',
  'incomparable',
  'rollouts',
  'decodedRows',
  'idleRows',
  'promptTokens',
]);

export function phaseLine(phase: Phase, unit: number, units: number): string {
  return `${PHASES[phase].title}, ${unit} of ${units} ${units === 0 ? '' : progressBar(unit / units)}`.trim();
}

export function metricsLine(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .filter(([name]) => !SELDOM_ASKED.has(name))
    .slice(0, MOST_METRICS)
    .map(([name, value]) => `${escapeText(inWords(name))} ${formatNumber(value)}`)
    .join(', ');
}

/** `meanReward` and `mean_reward` as `mean reward`. */
export function inWords(name: string): string {
  return name
    .replaceAll('_', ' ')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();
}

/** e.g. `about 40 s in this phase, 4 min in this iteration, 12 min in all, until 14:32 UTC`. */
export function timeLine({ asOf, phase, iteration, run }: RunTimeLeft): string {
  const parts = [
    ...(phase === undefined ? [] : [`${formatDuration(phase)} in this phase`]),
    ...(iteration === undefined ? [] : [`${formatDuration(iteration)} in this iteration`]),
    ...(run === undefined ? [] : [`${formatDuration(run)} in all, until ${formatClock(asOf + run * 1000, asOf)}`]),
  ];
  return `about ${parts.join(', ')}`;
}

/** The first characters are enough for commands. */
export function checkpointLine({ role, id }: CheckpointRef): string {
  return `${code(id.slice(0, 12))} of the ${role === 'solver' ? 'Solver' : 'Challenger'}`;
}

const BUDGET_WORDS = {
  engineMinutes: 'engine minutes',
  minutes: 'minutes',
  tokens: 'tokens',
  questions: 'questions',
} as const;

/** e.g. `12.5 of 60 engine minutes (47.5 left), 1 iteration at most`. */
export function budgetLine({ limits, spent }: BudgetState): string {
  const { iterations } = limits;
  const parts = Object.entries(BUDGET_WORDS).flatMap(([name, words]) => {
    const limit = limits[name as keyof typeof BUDGET_WORDS];
    if (limit === undefined) return [];
    const used = spent[name as keyof typeof spent];
    return [
      `${formatNumber(used)} of ${formatNumber(limit)} ${words} (${formatNumber(Math.max(0, limit - used))} left)`,
    ];
  });
  if (iterations !== undefined) parts.push(`${iterations} iteration${iterations === 1 ? '' : 's'} at most`);
  return parts.join(', ');
}
