/**
 * Every random choice of a run comes from here: a seed is a hash of where in the run it is used, so a repeated or resumed
 * piece of work sees the same numbers, and no two samples share a stream.
 */
import { createHash } from 'node:crypto';
import { RZeroError } from '../errors.ts';

export interface SeedParts {
  /** The run's seed: a non-negative safe integer, or any text. */
  runSeed: number | string;
  iteration: number;
  phase: string;
  /** Step or shard. */
  unit: number;
  item: number;
  sample: number;
  /** What the numbers are for, e.g. `sampling`, `order`, `control`. */
  stream: string;
}

function wholeNumber(value: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RZeroError('RunInputInvalid', `Seed part ${field} is ${value}.`, {
      field,
      fix: 'Give a whole number from 0 to 2^53 - 1.',
    });
  }
  return value;
}

/** 64 bits as 16 lower-case hexadecimal digits: the head of the sha-256 of a JSON array of the parts (unambiguous, unlike joined text). */
export function deriveSeed(parts: SeedParts): string {
  const { runSeed, iteration, phase, unit, item, sample, stream } = parts;
  const encoded = JSON.stringify([
    'r-zero-seed-1',
    typeof runSeed === 'number' ? wholeNumber(runSeed, 'runSeed') : runSeed,
    wholeNumber(iteration, 'iteration'),
    phase,
    wholeNumber(unit, 'unit'),
    wholeNumber(item, 'item'),
    wholeNumber(sample, 'sample'),
    stream,
  ]);
  return createHash('sha256').update(encoded).digest('hex').slice(0, 16);
}

export interface SeededRandom {
  /** 32 uniform bits. */
  nextUint32(): number;
  /** Uniform on 0 .. bound - 1, without modulo bias; 1 <= bound <= 2^32. */
  below(bound: number): number;
}

/** sfc32 (Chris Doty-Humphrey, PractRand) seeded with the 64 bits of `seed`, after the customary 12 rounds of mixing. */
export function createRandom(seed: string): SeededRandom {
  if (!/^[0-9a-f]{16}$/i.test(seed)) {
    throw new RZeroError('RunInputInvalid', `Seed ${JSON.stringify(seed)} is not 16 hexadecimal digits.`, {
      field: 'seed',
      fix: 'Use a value made by deriveSeed.',
    });
  }
  let a = 0;
  let b = Number.parseInt(seed.slice(8), 16) | 0;
  let c = Number.parseInt(seed.slice(0, 8), 16) | 0;
  let counter = 1;
  const nextUint32 = (): number => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + result) | 0;
    return result >>> 0;
  };
  for (let i = 0; i < 12; i += 1) nextUint32();
  const below = (bound: number): number => {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RZeroError('RunInputInvalid', `Random bound ${bound} is out of range.`, {
        field: 'bound',
        fix: 'Give a whole number from 1 to 2^32.',
      });
    }
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const value = nextUint32();
      if (value < limit) return value % bound;
    }
  };
  return { nextUint32, below };
}

/** A uniform permutation of 0 .. n - 1 (Fisher-Yates), for the order of a batch. */
export function permutation(n: number, seed: string): Int32Array {
  const order = Int32Array.from({ length: wholeNumber(n, 'n') }, (_, index) => index);
  const random = createRandom(seed);
  for (let i = n - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    const swap = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swap;
  }
  return order;
}

/** 0 or 1 with equal chance: the reward of the random-reward control. */
export function coin(seed: string): 0 | 1 {
  return createRandom(seed).below(2) === 1 ? 1 : 0;
}
