/** One moment of a run as the displays draw it. */
import type { PhaseMetrics, PhaseState, RunSnapshot } from './run-snapshot.ts';

export interface ProgressView {
  snapshot: RunSnapshot;
  /** Numbers of finished phases, by `phaseKey`. */
  metrics: ReadonlyMap<string, PhaseMetrics>;
  now: Date;
  /** When this command began to follow the run. */
  followedSince: Date;
}

/** Shows how a run goes on, in place on a terminal or as lines in a log. */
export interface ProgressDisplay {
  update(view: ProgressView): void;
  /** A line that stays, e.g. "The worker died; it is started again". */
  notice(text: string): void;
  /** Leaves what was shown last on the screen. */
  end(): void;
}

export function phaseKey({ iteration, phase }: Pick<PhaseState, 'iteration' | 'phase'>): string {
  return `${iteration}/${phase}`;
}

/** Seconds since the phase at work began here: its first attempt, or the moment this command came to it. */
export function secondsInPhase(phase: PhaseState, { now, followedSince }: ProgressView): number {
  const started = Math.max(phase.startedAt?.getTime() ?? now.getTime(), followedSince.getTime());
  return Math.max(0, (now.getTime() - started) / 1000);
}
