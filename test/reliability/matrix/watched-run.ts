/** A run that is watched from outside while things happen to it, and helped where its own words ask for a person. */
import { setTimeout as sleep } from 'node:timers/promises';
import { getRun, resumeRun } from '../../../infra/client.ts';
import type { Phase } from '../../../activities/contract.ts';
import type { Cluster } from '../../support/cluster.ts';

const POLL_MS = 10;
const LOOK_MS = 1000;

export class WatchedRun {
  readonly runId: string;
  /** When and why it waited for a person. */
  readonly parked: { at: Date; reason: string }[] = [];
  readonly #cluster: Cluster;
  #lastLook = 0;
  #handsOff = false;

  constructor(cluster: Cluster, runId: string) {
    this.#cluster = cluster;
    this.runId = runId;
  }

  /** While the cause is still there, nobody resumes the run. */
  async handsOff<T>(work: () => Promise<T>): Promise<T> {
    this.#handsOff = true;
    try {
      return await work();
    } finally {
      this.#handsOff = false;
    }
  }

  /** Waits until a unit of the phase, not before the given one, is at work. @returns false when the phase was over before */
  async untilAtWork(phase: Phase, unit: number): Promise<boolean> {
    return await this.#until(`work at ${phase}`, async () => {
      const { rows } = await this.#cluster.pool.query<{ working: boolean; done: boolean }>(
        `select exists (select from r_zero.attempts where run_id = $1 and phase = $2 and iteration = 1 and unit >= $3 and outcome is null
                         and take = (select take from r_zero.phases where run_id = $1 and phase = $2 and iteration = 1)) as working,
                exists (select from r_zero.phase_progress where run_id = $1 and phase = $2 and iteration = 1 and units_done = units) as done`,
        [this.runId, phase, unit],
      );
      if (rows[0]?.done) return false;
      return rows[0]?.working ? true : undefined;
    });
  }

  async untilCompleted(): Promise<void> {
    await this.#until('the end', async () =>
      (await this.#cluster.runStatus(this.runId)) === 'completed' ? true : undefined,
    );
  }

  async #until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + 4 * 60_000;
    for (;;) {
      // A server may be away just now.
      const answer = await ask().catch(() => undefined);
      if (answer !== undefined) return answer;
      await this.#look();
      if (Date.now() > deadline) throw new Error(`${what} of ${this.runId} did not come: ${await this.#status()}`);
      await sleep(POLL_MS);
    }
  }

  async #look(): Promise<void> {
    if (Date.now() - this.#lastLook < LOOK_MS || this.#handsOff) return;
    this.#lastLook = Date.now();
    const view = await this.#view();
    if (view?.temporalStatus !== undefined && !['RUNNING', 'COMPLETED'].includes(view.temporalStatus))
      throw new Error(`The workflow of ${this.runId} is ${view.temporalStatus}.`);
    if (view?.view?.status !== 'parked') return;
    this.parked.push({ at: new Date(), reason: view.view.reason ?? '' });
    await resumeRun(this.#cluster.client, this.runId, { reason: 'the cause is gone' }).catch(() => undefined);
  }

  #view(): Promise<Awaited<ReturnType<typeof getRun>> | undefined> {
    return getRun(this.#cluster.client, this.runId).catch(() => undefined);
  }

  async #status(): Promise<string> {
    const found = await this.#view();
    return JSON.stringify({
      temporal: found?.temporalStatus,
      status: found?.view?.status,
      reason: found?.view?.reason,
    });
  }
}
