/** Which fault strikes where, and in which run. */
import { createRandom, deriveSeed, permutation } from '../../../activities/method/seeds.ts';
import type { SeededRandom } from '../../../activities/method/seeds.ts';
import { PHASE_ORDER } from '../../../activities/phases.ts';
import type { Fault } from '../faults/fault.ts';
import type { InputName } from './inputs.ts';
import type { Cell } from './struck-run.ts';

export interface PlannedRun {
  name: string;
  input: InputName;
  /** At most one a phase, in the order of the phases. */
  cells: readonly Cell[];
}

/** A cell whose phase was over before its fault came is tried again this often. */
const MOST_TRIES = 3;

export class Plan {
  readonly seed: number;
  readonly #left: Cell[][];
  readonly #tries = new Map<string, number>();
  #runs = 0;

  /** Every fault in every phase where it can do anything, in an order of the seed's. */
  constructor(faults: readonly Fault[], seed: number) {
    this.seed = seed;
    this.#left = PHASE_ORDER.map((phase) => {
      const cells = faults.filter((fault) => fault.phases.includes(phase)).map((fault) => ({ fault, phase }));
      return [...permutation(cells.length, faultSeed(seed, `order of ${phase}`))].map((index) => cells[index]!);
    });
  }

  /** @returns undefined when every cell has been handed out */
  next(): PlannedRun | undefined {
    const cells = this.#left.flatMap((column) => column.splice(0, 1));
    if (cells.length === 0) return undefined;
    this.#runs += 1;
    return { name: `struck-${this.#runs}`, input: this.#runs % 2 === 0 ? 'adapters' : 'weights', cells };
  }

  /** For cells that were handed out and not struck. */
  giveBack(cells: readonly Cell[]): void {
    for (const cell of cells) {
      const name = `${cell.fault.name} ${cell.phase}`;
      const tries = (this.#tries.get(name) ?? 1) + 1;
      this.#tries.set(name, tries);
      if (tries <= MOST_TRIES) this.#left[PHASE_ORDER.indexOf(cell.phase)]!.push(cell);
    }
  }
}

/** Moments of the faults of one run. */
export function faultRandom(seed: number, runId: string): SeededRandom {
  return createRandom(faultSeed(seed, runId));
}

function faultSeed(runSeed: number, phase: string): string {
  return deriveSeed({ runSeed, iteration: 0, phase, unit: 0, item: 0, sample: 0, stream: 'faults' });
}
