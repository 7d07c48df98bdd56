/** What `bench:method` prints. */
import Table from 'cli-table3';
import type { Measurement, PenaltyMeasurement, VoteMeasurement } from './measure.ts';

export const SIZES = [512, 1024, 2048, 4096, 8192];
export const SMALL = 512;
export const FULL = 2048;
export const LARGEST = 8192;
export const QUESTIONS_VOTED = 1000;
export const VOTES = 10;

export type Batch = 'mixed' | 'identical';

/** The reference on one kind of batch at `FULL` questions. */
export interface Compared {
  reference: PenaltyMeasurement;
  /** How many questions the reference was measured on. */
  measuredAt: number;
  referenceSeconds: number;
  ours: PenaltyMeasurement;
  speedup: number;
  memoryRatio: number;
}

export type Growth = Record<Batch | 'default', Map<number, PenaltyMeasurement>>;

export interface ComparedVotes {
  reference: VoteMeasurement;
  official: VoteMeasurement;
  byDefault: VoteMeasurement;
}

const PLAIN = { style: { head: [], border: [] } };

export function comparisonTable(compared: Record<Batch, Compared>, votes: ComparedVotes): string {
  const table = new Table({
    head: ['', 'reference', 'ours', 'times faster', 'peak memory: reference', 'ours'],
    ...PLAIN,
  });
  for (const [batch, entry] of Object.entries(compared)) {
    const { reference, measuredAt, referenceSeconds, ours, speedup } = entry;
    const full = measuredAt === FULL;
    table.push([
      `penalty, ${FULL} ${batch} questions`,
      seconds(referenceSeconds) + (full ? '' : ` (extrapolated from ${measuredAt})`),
      seconds(ours.seconds),
      speedup.toFixed(0) + (full ? '' : ' (extrapolated)'),
      mebibytes(reference.peakBytes) + (full ? '' : ` (at ${measuredAt})`),
      mebibytes(ours.peakBytes),
    ]);
  }
  const row = (name: string, ours: Measurement): string[] => [
    `votes of ${QUESTIONS_VOTED * VOTES} answers, ${name} grader`,
    seconds(votes.reference.seconds),
    seconds(ours.seconds),
    (votes.reference.seconds / ours.seconds).toFixed(0),
    mebibytes(votes.reference.peakBytes),
    mebibytes(ours.peakBytes),
  ];
  table.push(row('official', votes.official), row('default', votes.byDefault));
  return table.toString();
}

export function growthTable(growth: Growth): string {
  const table = new Table({
    head: ['ours', ...SIZES.map(String), `growth from ${SMALL}`, 'of the last doubling'],
    ...PLAIN,
  });
  for (const [name, row] of Object.entries(growth)) {
    const label = name === 'default' ? 'mixed, preset default' : `${name}, preset official-code`;
    const powers = [exponent(row, SMALL), exponent(row, LARGEST / 2)].map((power) => `n^${power.toFixed(2)}`);
    table.push([label, ...SIZES.map((size) => seconds(row.get(size)?.seconds ?? NaN)), ...powers]);
    table.push(['  peak memory', ...SIZES.map((size) => mebibytes(row.get(size)?.peakBytes ?? NaN)), '', '']);
  }
  return table.toString();
}

export function asJson(
  { mixed, identical }: Record<Batch, Compared>,
  { reference, official, byDefault }: ComparedVotes,
  growth: Growth,
  equal: boolean,
): Record<string, unknown> {
  return {
    penaltySpeedup: mixed.speedup,
    voteSpeedup: reference.seconds / official.seconds,
    penaltySeconds: secondsBySize(growth.mixed),
    worstCaseSpeedup: identical.speedup,
    worstCasePenaltySeconds: secondsBySize(growth.identical),
    defaultPenaltySeconds: secondsBySize(growth.default),
    defaultVoteSpeedup: reference.seconds / byDefault.seconds,
    referencePenaltySeconds: mixed.referenceSeconds,
    referenceMeasuredAt: mixed.measuredAt,
    memoryRatio: mixed.memoryRatio,
    worstCaseMemoryRatio: identical.memoryRatio,
    growthExponent: exponent(growth.mixed, SMALL),
    growthExponentOfLastDoubling: exponent(growth.mixed, LARGEST / 2),
    equal,
  };
}

/** Of the power law between a size and the largest. */
function exponent(row: ReadonlyMap<number, PenaltyMeasurement>, from: number): number {
  return Math.log((row.get(LARGEST)?.seconds ?? NaN) / (row.get(from)?.seconds ?? NaN)) / Math.log(LARGEST / from);
}

function secondsBySize(row: ReadonlyMap<number, PenaltyMeasurement>): Record<string, number> {
  return Object.fromEntries([...row].map(([size, measured]) => [String(size), measured.seconds]));
}

function seconds(value: number): string {
  return `${value.toFixed(value < 10 ? 3 : 1)} s`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
