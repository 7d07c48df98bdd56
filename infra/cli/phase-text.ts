/** Words and numbers of a phase, for people. */
import type { Phase } from '../../activities/contract.ts';
import { count, decimal, isNumber, percent } from './numbers.ts';
import type { PhaseMetrics } from './run-snapshot.ts';

interface PhaseWords {
  title: string;
  /** Head of a narrow table column. */
  short: string;
  /** What one unit is called. */
  unit: string;
}

export const PHASE_WORDS: Readonly<Record<Phase, PhaseWords>> = {
  challenger_training: { title: 'Challenger training', short: 'Challenger', unit: 'step' },
  dataset_generation: { title: 'Question generation', short: 'Questions', unit: 'shard' },
  labelling: { title: 'Labelling by vote', short: 'Labels', unit: 'shard' },
  gating: { title: 'Gate', short: 'Gate', unit: 'part' },
  solver_training: { title: 'Solver training', short: 'Solver', unit: 'step' },
  evaluation: { title: 'Evaluation', short: 'Evaluation', unit: 'pass' },
  audit: { title: 'Label audit', short: 'Audit', unit: 'part' },
};

export function iterationName(iteration: number, iterations: number): string {
  return iteration === 0 ? 'base model' : `iteration ${iteration}/${iterations}`;
}

/** `24 steps` */
export function unitCount(phase: Phase, units: number): string {
  return `${count(units)} ${PHASE_WORDS[phase].unit}${units === 1 ? '' : phase === 'evaluation' ? 'es' : 's'}`;
}

/** What a finished phase has to say, in one line; empty when its units reported nothing that is known here. */
export function describeMetrics(phase: Phase, metrics: PhaseMetrics): string {
  return PARTS[phase](metrics)
    .filter((part) => part !== undefined)
    .join(', ');
}

type Part = string | undefined;

const PARTS: Readonly<Record<Phase, (metrics: PhaseMetrics) => Part[]>> = {
  challenger_training: (m) => [
    trend('mean reward', m['meanReward'], decimal),
    trend('mean p̂', m['meanPHat'], decimal),
    trend('entropy', m['entropy'], decimal),
    last('KL', m['kl'], (value) => decimal(value, 4)),
  ],
  dataset_generation: (m) => [
    total(m['generated'], (value) => `${count(value)} generated`),
    total(m['parsed'], (value) => `${count(value)} parsed`),
  ],
  labelling: (m) => [
    total(m['questions'], (value) => `${count(value)} questions`),
    total(m['answers'], (value) => `${count(value)} answers`),
  ],
  gating: (m) => [
    total(m['kept'], (value) => `kept ${count(value)}${m['questions'] ? ` of ${count(m['questions'].sum)}` : ''}`),
    some(m['duplicates'], (value) => `${count(value)} copies dropped`),
    some(m['short'], (value) => `${count(value)} fewer than a training step takes`),
  ],
  solver_training: (m) => [
    total(m['skipped'], (value) => `${count(value)} steps skipped, since too few questions were kept`),
    // A step that takes the end of one order and the start of the next may repeat some too; only scarcity is worth a word.
    m['short'] && m['short'].sum > 0
      ? some(m['repeated'], (value) => `questions repeated within steps ${count(value)} times`)
      : undefined,
    trend('mean reward', m['meanReward'], decimal),
    some(m['incomparable'], (value) => `${count(value)} answers beyond the grader's bounds`),
    trend('worked answers', m['workedShare'], (value) => percent(value, 0)),
    trend('entropy', m['entropy'], decimal),
    last('KL', m['kl'], (value) => decimal(value, 4)),
  ],
  evaluation: (m) => [
    last('held-out greedy', m['greedyAccuracy'], percent),
    last('sampled', m['sampledAccuracy'], percent),
    m['sampledAccuracy'] ? last('majority', m['majorityAccuracy'], percent) : undefined,
    total(m['setAnswers'], (value) => `${count(m['setCorrect']?.sum)} of ${count(value)} answers to named sets right`),
  ],
  audit: (m) => {
    const { agreeing, audited, judgeAgreeing, judgeAsked, judgeStored, judgeUndecided, judgeUnasked } = m;
    const anchors = m['anchorsAudited']?.sum
      ? `anchors ${count(m['anchorsAgreeing']?.sum)} of ${count(m['anchorsAudited'].sum)}`
      : undefined;
    const judged = judgeAsked
      ? `judge ${count(judgeAgreeing?.sum)} of ${count(judgeAsked.sum - (judgeUndecided?.sum ?? 0))}` +
        (judgeStored?.sum ? `, ${count(judgeStored.sum)} judged before` : '') +
        (judgeUnasked?.sum ? `, ${count(judgeUnasked.sum)} left for want of budget` : '')
      : undefined;
    if (!agreeing || !audited || audited.sum === 0)
      return [anchors ?? (judged ? undefined : 'no oracle for these questions'), judged];
    return [
      `${count(agreeing.sum)} of ${count(audited.sum)} labels true (${percent(agreeing.sum / audited.sum)}), kept or not`,
      anchors,
      judged,
    ];
  },
};

function trend(name: string, range: PhaseMetrics[string] | undefined, format: (value: number) => string): Part {
  if (!range || !isNumber(range.first) || !isNumber(range.last)) return undefined;
  return `${name} ${format(range.first)} → ${format(range.last)}`;
}

function last(name: string, range: PhaseMetrics[string] | undefined, format: (value: number) => string): Part {
  return range && isNumber(range.last) ? `${name} ${format(range.last)}` : undefined;
}

/** A total that is worth a word only when there is any. */
function some(range: PhaseMetrics[string] | undefined, format: (value: number) => string): Part {
  return range && isNumber(range.sum) && range.sum > 0 ? format(range.sum) : undefined;
}

function total(range: PhaseMetrics[string] | undefined, format: (value: number) => string): Part {
  return range && isNumber(range.sum) ? format(range.sum) : undefined;
}
