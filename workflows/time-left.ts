/** How long the work that is left will take, from how long work of its kind took: for the eye, never for a decision. */
import type { Phase, PhasePlan } from '../activities/contract.ts';

/** In seconds; absent where nothing of that kind has been done yet. */
export interface TimeLeft {
  phase?: number;
  iteration?: number;
  /** A whole iteration like this one. */
  wholeIteration?: number;
}

/** What was measured in this execution. */
export type Paces = Partial<Record<Phase, { seconds: number; units: number }>>;

export function timeLeft(
  plans: readonly PhasePlan[],
  done: (plan: PhasePlan) => number,
  paces: Paces,
  present: Phase | undefined,
): TimeLeft {
  const known = plans.map((plan) => {
    const pace = secondsPerUnit(plan, paces);
    const left = plan.units - done(plan);
    return { plan, whole: cost(plan.units, pace), left: cost(left, pace) };
  });
  const phase = known.find(({ plan }) => plan.phase === present)?.left;
  const iteration = total(known.map(({ left }) => left));
  const wholeIteration = total(known.map(({ whole }) => whole));
  return {
    ...(phase === undefined ? {} : { phase: Math.round(phase) }),
    ...(iteration === undefined ? {} : { iteration: Math.round(iteration) }),
    ...(wholeIteration === undefined ? {} : { wholeIteration: Math.round(wholeIteration) }),
  };
}

function secondsPerUnit(plan: PhasePlan, paces: Paces): number | undefined {
  const pace = paces[plan.phase];
  return pace === undefined || pace.units === 0 ? plan.secondsPerUnit : pace.seconds / pace.units;
}

function cost(units: number, pace: number | undefined): number | undefined {
  if (units === 0) return 0;
  return pace === undefined ? undefined : units * pace;
}

/** Undefined as soon as one part is. */
function total(parts: readonly (number | undefined)[]): number | undefined {
  return parts.reduce<number | undefined>(
    (sum, part) => (sum === undefined || part === undefined ? undefined : sum + part),
    0,
  );
}

/** e.g. `45 s`, `12 min`, `3.5 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}

/** e.g. `14:32 UTC`, with the day when it is not that of `now`. Both in milliseconds. */
export function formatClock(at: number, now: number): string {
  const [day = '', time = ''] = new Date(at).toISOString().split('T');
  const clock = `${time.slice(0, 5)} UTC`;
  return new Date(now).toISOString().startsWith(day) ? clock : `${day} ${clock}`;
}
