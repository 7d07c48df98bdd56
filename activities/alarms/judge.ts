/** From the numbers of a phase to its alarms: pure, so that a threshold can be tried on a stored run. */
import type {
  HeldOutReading,
  LabelsReading,
  QuestionsReading,
  RepeatedTexts,
  SolveRatesReading,
  TrainingReading,
} from '../../db/queries/alarm-readings.ts';
import type { SemanticRow } from '../../db/queries/semantic-diversity.ts';
import { wilsonInterval } from '../method/evaluation.ts';
import { NORMAL_95, mean } from '../statistics.ts';
import type { AlarmName, AlarmSettings } from './settings.ts';

export interface Judgement {
  alarm: AlarmName;
  raised: boolean;
  /** What was compared with the threshold; null where there was nothing to compare. */
  value: number | null;
  threshold: number;
  /** One sentence with the numbers. */
  message: string;
}

/** One-sided limits of McNemar's z: 0.5 % for each of several falls in a row, 0.1 % for a single comparison an iteration. */
const FALL_LIMIT = 2.576;
const BASE_LIMIT = 3.09;
/** Steps at each end of a phase that are averaged: single steps are noisy. */
const ENDS = 3;

const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
const number = (value: number): string => String(Number(value.toPrecision(3)));

/** Raised when the share is beyond the threshold with its whole 95 % interval. */
function judgeShare(
  alarm: AlarmName,
  [part, all]: readonly [number, number],
  bound: { floor: number } | { ceiling: number },
  what: string,
): Judgement {
  const isFloor = 'floor' in bound;
  const threshold = isFloor ? bound.floor : bound.ceiling;
  if (all === 0) return { alarm, raised: false, value: null, threshold, message: `Nothing to judge: ${what}, of 0.` };
  const { estimate, low, high } = wilsonInterval(part, all);
  const raised = isFloor ? high < threshold : low > threshold;
  const message = `${percent(estimate)} ${what} (${part} of ${all}); the ${isFloor ? 'floor' : 'ceiling'} is ${percent(threshold)}.`;
  return { alarm, raised, value: estimate, threshold, message };
}

export function judgeTraining({ steps }: TrainingReading, settings: AlarmSettings): Judgement[] {
  const groups = steps.reduce((sum, step) => sum + step.groups, 0);
  const spread = steps.reduce((sum, step) => sum + step.spreadGroups, 0);
  return [
    judgeShare('rewardSpread', [spread, groups], settings.rewardSpread, 'of the groups had rewards that differ'),
    judgeKl(steps, settings.kl.ceiling),
    judgeEntropy(steps, settings.entropy),
    judgeLengths(steps, settings.lengths.ratio),
    judgeSamplerGap(steps, settings.samplerGap.ceiling),
  ];
}

type Steps = TrainingReading['steps'];

const finite = (steps: Steps, read: (step: Steps[number]) => number | null): number[] =>
  steps.map(read).filter((value): value is number => value !== null && Number.isFinite(value));

function judgeKl(steps: Steps, threshold: number): Judgement {
  const values = finite(steps, ({ kl }) => kl).slice(-ENDS);
  if (values.length === 0) return nothing('kl', threshold, 'no KL was measured');
  const value = mean(values);
  const message = `KL to the beginning of the phase was ${number(value)} nats a token at its end; the ceiling is ${number(threshold)}.`;
  return { alarm: 'kl', raised: value > threshold, value, threshold, message };
}

function judgeEntropy(steps: Steps, { floor, ceiling }: AlarmSettings['entropy']): Judgement {
  const values = finite(steps, ({ entropy }) => entropy).slice(-ENDS);
  if (values.length === 0) return nothing('entropy', floor, 'no entropy was measured');
  const value = mean(values);
  const isLow = value < floor;
  const threshold = isLow || value <= ceiling ? floor : ceiling;
  const message = `Entropy was ${number(value)} nats a token at the end of the phase; the band is ${number(floor)} to ${number(ceiling)}.`;
  return { alarm: 'entropy', raised: isLow || value > ceiling, value, threshold, message };
}

function judgeLengths(steps: Steps, threshold: number): Judgement {
  if (steps.length < 2 * ENDS) return nothing('lengths', threshold, 'too few steps');
  const first = mean(steps.slice(0, ENDS).map(({ meanTokens }) => meanTokens));
  const last = mean(steps.slice(-ENDS).map(({ meanTokens }) => meanTokens));
  const value = Math.max(last / first, first / last);
  const message = `Mean length went from ${number(first)} to ${number(last)} tokens; the most is a factor of ${number(threshold)}.`;
  return { alarm: 'lengths', raised: value > threshold, value, threshold, message };
}

/** With one update a step the policy that is trained is the one that sampled, so that no ratio leaves 1. */
function judgeSamplerGap(steps: Steps, threshold: number): Judgement {
  const values = finite(
    steps.filter(({ updates }) => updates === 1),
    ({ clipFraction }) => clipFraction,
  );
  if (values.length === 0) return nothing('samplerGap', threshold, 'no step with one update');
  const value = Math.max(...values);
  const message = `In the worst step ${percent(value)} of the tokens had another probability in training than when they were sampled; the ceiling is ${percent(threshold)}.`;
  return { alarm: 'samplerGap', raised: value > threshold, value, threshold, message };
}

export function judgeRepeatedTexts(
  { texts, times, logProbability, logChance }: RepeatedTexts,
  threshold: number,
): Judgement {
  const alarm = 'sharedRandomness';
  if (times === null || logProbability === null || logChance === null) {
    return nothing(alarm, threshold, `none of ${texts} texts came twice to one prompt`);
  }
  const message =
    `A text of log-probability ${number(logProbability)} came ${times} times to one prompt: ` +
    `a chance of e^${number(Math.min(0, logChance))} at most; the least is e^${number(threshold)}.`;
  return { alarm, raised: logChance < threshold, value: logChance, threshold, message };
}

export function judgeQuestions(
  { generated, valid, distinct, phraseShare }: QuestionsReading,
  first: QuestionsReading | undefined,
  settings: AlarmSettings,
): Judgement[] {
  const judgements = [
    judgeShare('format', [valid, generated], settings.format, 'of the questions had the form that is asked for'),
    judgeShare('diversity', [distinct, valid], settings.diversity, 'of the questions were no copies'),
  ];
  const { floor } = settings.phrases;
  if (phraseShare === null || !first?.phraseShare) {
    return [...judgements, nothing('phrases', floor, 'no earlier iteration, or no questions')];
  }
  const value = phraseShare / first.phraseShare;
  const message =
    `${percent(phraseShare)} of the runs of four tokens were different, ${percent(first.phraseShare)} in the first iteration; ` +
    `the floor is ${percent(floor)} of that.`;
  return [...judgements, { alarm: 'phrases', raised: value < floor, value, threshold: floor, message }];
}

/** @param rows of the iterations that were measured, this one last; undefined when it was not */
export function judgeMeaning(rows: readonly SemanticRow[] | undefined, settings: AlarmSettings): Judgement {
  const alarm = 'semanticDiversity';
  const { floor } = settings.semanticDiversity;
  const [first, now] = [rows?.[0], rows?.at(-1)];
  if (!first || !now || first === now) return nothing(alarm, floor, 'no earlier iteration, or not measured');
  if (first.distance <= 0) return nothing(alarm, floor, 'the questions of the first iteration were all the same');
  const value = now.distance / first.distance;
  const message =
    `The mean distance in meaning of ${now.questions} questions was ${number(now.distance)} (± ${number(NORMAL_95 * now.error)}), ` +
    `${number(first.distance)} in iteration ${first.iteration}; the floor is ${percent(floor)} of that.`;
  const highest = (now.distance + NORMAL_95 * now.error) / first.distance;
  return { alarm, raised: highest < floor, value, threshold: floor, message };
}

export function judgeSolveRates({ labelled, commonest, pHat }: SolveRatesReading, settings: AlarmSettings): Judgement {
  const what = `of the questions had solve rate ${pHat === null ? '–' : number(pHat)}`;
  return judgeShare('solveRates', [commonest, labelled], settings.solveRates, what);
}

export function judgeLabels(reading: LabelsReading | undefined, settings: AlarmSettings): Judgement {
  const alarm = 'labelAccuracy';
  const { floor } = settings.labelAccuracy;
  if (!reading) return nothing(alarm, floor, 'no label was compared with an oracle');
  const { oracle, audited, labelAccuracy, upper } = reading;
  const message =
    `${percent(labelAccuracy)} of the kept labels were true by oracle ${oracle} (${audited} asked about; at most ` +
    `${percent(upper)} at the 95 % level); the floor is ${percent(floor)}.`;
  return { alarm, raised: upper < floor, value: labelAccuracy, threshold: floor, message };
}

const right = ({ correct }: HeldOutReading): number => correct.filter(Boolean).length;

/** McNemar's test: answers that became wrong against those that became right. */
function worseness(before: HeldOutReading, now: HeldOutReading): number {
  let lost = 0;
  let won = 0;
  before.correct.forEach((was, item) => {
    const is = now.correct[item];
    if (was && is === false) lost += 1;
    if (!was && is === true) won += 1;
  });
  return lost + won === 0 ? 0 : (lost - won) / Math.sqrt(lost + won);
}

/** @param readings the base model first, this iteration last */
export function judgeHeldOut(readings: readonly HeldOutReading[], settings: AlarmSettings): Judgement[] {
  const now = readings.at(-1);
  const base = readings[0];
  const { iterations } = settings.heldOut;
  if (!now || !base || readings.length < 2) {
    return [
      nothing('heldOut', FALL_LIMIT, 'no iteration to compare with'),
      nothing('belowBase', BASE_LIMIT, 'no iteration to compare with'),
    ];
  }
  return [judgeFall(readings, iterations), judgeBase(base, now)];
}

function judgeFall(readings: readonly HeldOutReading[], iterations: number): Judgement {
  const alarm = 'heldOut';
  const before = readings.slice(0, -iterations);
  const recent = readings.slice(-iterations);
  if (before.length === 0) return nothing(alarm, FALL_LIMIT, 'too few iterations');
  const best = before.reduce((a, b) => (right(b) > right(a) ? b : a));
  const value = Math.min(...recent.map((each) => worseness(best, each)));
  const now = recent.at(-1)!;
  const message =
    `${right(now)} of ${now.correct.length} held-out questions right, ${right(best)} in iteration ${best.iteration}; ` +
    `${iterations === 1 ? 'this iteration' : `each of the last ${iterations} iterations`} ` +
    `${value > FALL_LIMIT ? 'is' : 'is not'} significantly below it (z ${number(value)}, limit ${number(FALL_LIMIT)}).`;
  return { alarm, raised: value > FALL_LIMIT, value, threshold: FALL_LIMIT, message };
}

function judgeBase(base: HeldOutReading, now: HeldOutReading): Judgement {
  const value = worseness(base, now);
  const message = `${right(now)} of ${now.correct.length} held-out questions right, ${right(base)} by the base model (z ${number(value)}, limit ${number(BASE_LIMIT)}).`;
  return { alarm: 'belowBase', raised: value > BASE_LIMIT, value, threshold: BASE_LIMIT, message };
}

function nothing(alarm: AlarmName, threshold: number, why: string): Judgement {
  return { alarm, raised: false, value: null, threshold, message: `Not judged: ${why}.` };
}
