/**
 * What a run watches itself for, and what it does about it: field `alarms` of its input. A threshold is passed only where the
 * numbers leave no doubt at the 95 % level; few rows are no reason for alarm. The defaults were chosen on the built-in
 * domain, so that healthy runs of it stay clear of them and broken ones do not (test/activities/alarms.test.ts).
 */
import { z } from 'zod';

/**
 * `note`: a row and a line in the run's details. `pause`: waits for a person, who resumes or resets. `stop`: ends the run, which another
 * start goes on with. `rollback`: does everything after the best iteration again, with a tighter gate and lower learning rates.
 */
export const ALARM_ACTIONS = ['off', 'note', 'pause', 'stop', 'rollback'] as const;
export type AlarmAction = (typeof ALARM_ACTIONS)[number];

const share = (value: number) => z.number().min(0).max(1).default(value);
const action = z.enum(ALARM_ACTIONS).optional();

export const alarmFields = z.strictObject({
  /** Share of true labels in the training set, by the oracles that compute it. */
  labelAccuracy: z.strictObject({ action, floor: share(0.4) }).prefault({}),
  /** Greedy accuracy on held-out questions significantly below that of the best iteration before, this many times in a row. */
  heldOut: z.strictObject({ action, iterations: z.int().min(1).max(100).default(2) }).prefault({}),
  /** The same below the base model's, once. */
  belowBase: z.strictObject({ action }).prefault({}),
  /** Share of the valid questions of an iteration that are not copies of each other. */
  diversity: z.strictObject({ action, floor: share(0.2) }).prefault({}),
  /** Share of different runs of four tokens among all of an iteration's questions, by the same share in the first iteration. */
  phrases: z.strictObject({ action, floor: share(0.25) }).prefault({}),
  /** Distance in meaning of an iteration's questions by that of the first one measured, where `diversity.embedding` measures it. */
  semanticDiversity: z.strictObject({ action, floor: share(0.5) }).prefault({}),
  /** Share of questions that have the commonest solve rate. */
  solveRates: z.strictObject({ action, ceiling: share(0.95) }).prefault({}),
  /** Share of the Challenger's questions that have the form that is asked for. */
  format: z.strictObject({ action, floor: share(0.2) }).prefault({}),
  /** Share of groups in which one reward differs from another: all that a policy learns from. */
  rewardSpread: z.strictObject({ action, floor: share(0.05) }).prefault({}),
  /** KL divergence from the phase's beginning at its end, in nats a token. */
  kl: z.strictObject({ action, ceiling: z.number().gt(0).default(0.5) }).prefault({}),
  /** Entropy at the end of training, in nats a token. */
  entropy: z
    .strictObject({ action, floor: z.number().min(0).default(0.005), ceiling: z.number().gt(0).default(6) })
    .prefault({}),
  /** Mean length at the end of training by that at its beginning, or the other way round, whichever is larger. */
  lengths: z.strictObject({ action, ratio: z.number().gt(1).default(3) }).prefault({}),
  /** Share of tokens whose probability left the clip bounds although the policy was the one that sampled them. */
  samplerGap: z.strictObject({ action, ceiling: share(0.02) }).prefault({}),
  /** Chance, as its natural logarithm, below which two equal texts mean that samples share their random numbers. */
  sharedRandomness: z.strictObject({ action, logChance: z.number().lt(0).default(-25) }).prefault({}),
  /** What a roll-back changes: band, learning rates, and how often before the run stops at its best iteration. */
  rollback: z
    .strictObject({
      gateMargin: z.number().min(0).max(0.4).default(0.1),
      learningRateFactor: z.number().gt(0).max(1).default(0.3),
      most: z.int().min(0).max(10).default(2),
    })
    .prefault({}),
});

export type AlarmSettings = z.output<typeof alarmFields>;
export type AlarmName = Exclude<keyof AlarmSettings, 'rollback'>;

/** Those after which going on would be a waste, or harm. The others are worth a look. */
const SERIOUS: ReadonlySet<AlarmName> = new Set([
  'labelAccuracy',
  'heldOut',
  'belowBase',
  'kl',
  'samplerGap',
  'sharedRandomness',
]);

/** @param control of a run whose control is not `none` every alarm is a note unless its action is named: it is to go wrong */
export function actionOf(settings: AlarmSettings, name: AlarmName, control: string): AlarmAction {
  return settings[name].action ?? (control === 'none' && SERIOUS.has(name) ? 'pause' : 'note');
}
