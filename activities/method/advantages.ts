/** Group-relative advantages: arXiv 2508.05004 section 2 (GRPO), as executed by core_algos.py:138-175 of the public code. */
import { RZeroError } from '../errors.ts';

export const ADVANTAGE_EPSILON = 1e-6;

function fault(message: string, field: string, fix: string): RZeroError {
  return new RZeroError('RunInputInvalid', message, { field, fix });
}

/**
 * (r - mean) / (std + epsilon) with the unbiased standard deviation (n - 1). A group without spread gets exact zeros.
 * Throws for a group of one, where no comparison exists, and for rewards that are not finite.
 */
export function groupAdvantages(rewards: ArrayLike<number>, epsilon: number = ADVANTAGE_EPSILON): Float64Array {
  const n = rewards.length;
  if (n < 2) {
    throw fault(
      `A GRPO group needs at least two rollouts, this one has ${n}.`,
      'groupSize',
      'Set the group size to 2 or more.',
    );
  }
  let sum = 0;
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < n; i += 1) {
    const reward = rewards[i] as number;
    if (!Number.isFinite(reward)) {
      throw fault(`Reward ${i} of the group is ${reward}.`, `rewards[${i}]`, 'Give finite rewards.');
    }
    sum += reward;
    low = Math.min(low, reward);
    high = Math.max(high, reward);
  }
  const advantages = new Float64Array(n);
  if (low === high) return advantages;
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i += 1) squares += ((rewards[i] as number) - mean) ** 2;
  const scale = Math.sqrt(squares / (n - 1)) + epsilon;
  for (let i = 0; i < n; i += 1) advantages[i] = ((rewards[i] as number) - mean) / scale;
  return advantages;
}

/** Advantages of a whole batch whose consecutive runs of `groupSize` rewards are the groups. */
export function batchAdvantages(rewards: ArrayLike<number>, groupSize: number): Float64Array {
  if (!Number.isInteger(groupSize) || groupSize < 2 || rewards.length % groupSize !== 0) {
    throw fault(
      `${rewards.length} rewards do not form groups of ${groupSize}.`,
      'groupSize',
      'Give a group size of 2 or more that divides the number of rewards.',
    );
  }
  const advantages = new Float64Array(rewards.length);
  for (let start = 0; start < rewards.length; start += groupSize) {
    const group = Array.from({ length: groupSize }, (_, i) => rewards[start + i] as number);
    advantages.set(groupAdvantages(group), start);
  }
  return advantages;
}
