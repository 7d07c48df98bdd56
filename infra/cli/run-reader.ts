import type pg from 'pg';
import { readSummaries } from '../../db/queries/summary.ts';
import { phaseKey } from './progress-view.ts';
import { isPhaseDone, readPhaseMetrics, readPhaseStates, readRunFacts } from './run-snapshot.ts';
import type { PhaseMetrics, RunSnapshot } from './run-snapshot.ts';

/** Finished phases further back than this many iterations are shown in the summary only. */
const ITERATIONS_WITH_METRICS = 2;

export interface RunReading {
  snapshot: RunSnapshot;
  /** Numbers of finished phases, by `phaseKey`. */
  metrics: ReadonlyMap<string, PhaseMetrics>;
}

/** Reads a run again and again at little cost: what a finished phase left behind is read once. */
export class RunReader {
  readonly #runId: string;
  readonly #metrics = new Map<string, PhaseMetrics>();
  #summaries: RunSnapshot['summaries'] = [];
  #finishedWhenSummarised = -1;

  constructor(runId: string) {
    this.#runId = runId;
  }

  /** @returns undefined when the database has no such run (yet). */
  async read(pool: pg.Pool): Promise<RunReading | undefined> {
    const run = await readRunFacts(pool, this.#runId);
    if (!run) return undefined;
    const phases = await readPhaseStates(pool, this.#runId);
    const finished = phases.filter(isPhaseDone);
    const newest = phases.at(-1)?.iteration ?? 0;
    for (const phase of finished) {
      const key = phaseKey(phase);
      if (this.#metrics.has(key) || phase.iteration <= newest - ITERATIONS_WITH_METRICS) continue;
      this.#metrics.set(key, await readPhaseMetrics(pool, this.#runId, phase));
    }
    // The views behind the summary look at every question of the run: only when a phase has ended is there news.
    if (finished.length !== this.#finishedWhenSummarised) {
      this.#summaries = await readSummaries(pool, this.#runId);
      this.#finishedWhenSummarised = finished.length;
    }
    return { snapshot: { run, phases, summaries: this.#summaries }, metrics: this.#metrics };
  }
}
