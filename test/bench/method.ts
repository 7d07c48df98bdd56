/**
 * `npm run bench:method`: repetition penalties and majority votes, beside the libraries of the public code on the same data.
 * `-- --quick` measures the reference's penalty on 512 questions only and extrapolates; `-- --json` ends with one JSON object.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { answerCorpus } from './answer-corpus.ts';
import { measure, measureThrice } from './measure.ts';
import type { PenaltyMeasurement, Program, VoteMeasurement } from './measure.ts';
import {
  asJson,
  comparisonTable,
  FULL,
  growthTable,
  LARGEST,
  QUESTIONS_VOTED,
  SIZES,
  SMALL,
  VOTES,
} from './method-report.ts';
import type { Batch, Compared, ComparedVotes, Growth } from './method-report.ts';
import { mixedQuestions, nearIdenticalQuestions } from './question-corpus.ts';
import { referencePython } from './reference-environment.ts';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), 'r-zero-bench-'));
const corpus = join(folder, 'corpus.json');

try {
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<boolean> {
  const reference: Program = {
    command: await referencePython(say),
    before: [fileURLToPath(new URL('method-reference.py', import.meta.url))],
  };
  writeFileSync(
    corpus,
    JSON.stringify({
      mixed: mixedQuestions(LARGEST, '00000000000004aa'),
      identical: nearIdenticalQuestions(LARGEST, '00000000000004ab'),
      answers: answerCorpus(QUESTIONS_VOTED, VOTES, '00000000000004ac'),
    }),
  );
  const differences: string[] = [];
  const growth = await measureGrowth();
  const votes = await compareVotes(reference, differences);
  const compared: Record<Batch, Compared> = {
    mixed: await comparePenalty(reference, 'mixed', growth.mixed, differences),
    identical: await comparePenalty(reference, 'identical', growth.identical, differences),
  };
  say(`\nProcessor time on one core, each in a fresh process\n${comparisonTable(compared, votes)}`);
  say(`\nPenalty by number of questions\n${growthTable(growth)}\n`);
  say(
    differences.length === 0
      ? 'Equal: every partition, every penalty to 1e-12, and every vote of the official grader.'
      : differences.join('\n'),
  );
  if (flags.json) say(JSON.stringify(asJson(compared, votes, growth, differences.length === 0)));
  return differences.length === 0;
}

function ours(preset: 'official-code' | 'default'): Program {
  const program = fileURLToPath(new URL('method-ours.ts', import.meta.url));
  return { command: process.execPath, before: ['--import', import.meta.resolve('tsx'), program], after: [preset] };
}

async function measureGrowth(): Promise<Growth> {
  const growth: Growth = { mixed: new Map(), identical: new Map(), default: new Map() };
  for (const size of SIZES) {
    say(`Ours: ${size} questions …`);
    for (const key of ['mixed', 'identical'] as const) {
      growth[key].set(size, await measureThrice(ours('official-code'), corpus, { kind: 'penalty', key, size }));
    }
    growth.default.set(size, await measureThrice(ours('default'), corpus, { kind: 'penalty', key: 'mixed', size }));
  }
  return growth;
}

async function comparePenalty(
  reference: Program,
  key: Batch,
  own: ReadonlyMap<number, PenaltyMeasurement>,
  differences: string[],
): Promise<Compared> {
  const measuredAt = flags.quick ? SMALL : FULL;
  let measured: PenaltyMeasurement | undefined;
  for (const size of flags.quick ? [SMALL] : [SMALL, FULL]) {
    say(`Reference: ${size} ${key} questions …`);
    measured = await measure<PenaltyMeasurement>(reference, corpus, { kind: 'penalty', key, size });
    differences.push(...penaltyDifferences(measured, own.get(size) as PenaltyMeasurement, `${size} ${key} questions`));
  }
  const theirs = measured as PenaltyMeasurement;
  const referenceSeconds = theirs.seconds * (FULL / measuredAt) ** 2;
  const full = own.get(FULL) as PenaltyMeasurement;
  return {
    reference: theirs,
    measuredAt,
    referenceSeconds,
    ours: full,
    speedup: referenceSeconds / full.seconds,
    memoryRatio: theirs.peakBytes / (own.get(measuredAt) as PenaltyMeasurement).peakBytes,
  };
}

function penaltyDifferences(reference: PenaltyMeasurement, own: PenaltyMeasurement, what: string): string[] {
  const names = new Map<number, number>();
  const partition = reference.labels.map((label) => {
    const name = names.get(label) ?? names.size;
    names.set(label, name);
    return name;
  });
  const samePartition =
    partition.length === own.labels.length && partition.every((label, i) => label === own.labels[i]);
  const largest = Math.max(...reference.penalties.map((penalty, i) => Math.abs(penalty - (own.penalties[i] ?? NaN))));
  return [
    ...(samePartition ? [] : [`${what}: the partitions differ`]),
    ...(largest <= 1e-12 ? [] : [`${what}: penalties differ by up to ${largest}`]),
  ];
}

async function compareVotes(reference: Program, differences: string[]): Promise<ComparedVotes> {
  const task = { kind: 'votes', key: 'answers', size: QUESTIONS_VOTED } as const;
  say(`Reference: votes on ${QUESTIONS_VOTED} questions …`);
  const theirs = await measure<VoteMeasurement>(reference, corpus, task);
  const official = await measureThrice<VoteMeasurement>(ours('official-code'), corpus, task);
  const byDefault = await measureThrice<VoteMeasurement>(ours('default'), corpus, task);
  const different = theirs.votes.filter(
    ([label, count], i) => label !== official.votes[i]?.[0] || count !== official.votes[i][1],
  ).length;
  if (different > 0) differences.push(`votes: ${different} of ${QUESTIONS_VOTED} differ`);
  return { reference: theirs, official, byDefault };
}
