/**
 * Prints what hostile answers cost, as a Markdown table: `npm run bench:hostile`. Processor time of one call, the least of
 * several after a warm-up, in milliseconds. Boxes: the slowest of our parser and the two public ones. Votes: ten answers, the hostile
 * one among them four times, by the public code's rules and by ours.
 */
import { canonicalAnswer } from '../../activities/method/answers/answer-canonical.ts';
import { grade } from '../../activities/method/answers/answer-equivalence.ts';
import { extractAllBoxedOfficial, extractBoxed, extractBoxedOfficial } from '../../activities/method/boxed.ts';
import { voteWith } from '../../activities/method/voting.ts';
import { cpuMilliseconds } from '../method/cpu-time.ts';
import { HOSTILE_INPUTS } from '../method/hostile-inputs.ts';

const REPETITIONS = 7;
const LIMIT = 10;

function least(work: () => void): number {
  work();
  return Math.min(...Array.from({ length: REPETITIONS }, () => cpuMilliseconds(work)));
}

function boxes(text: string): number {
  return Math.max(
    least(() => extractBoxed(text)),
    least(() => extractBoxedOfficial(text)),
    least(() => extractAllBoxedOfficial(text)),
  );
}

function warmUp(): void {
  for (const make of Object.values(HOSTILE_INPUTS)) {
    const text = make();
    for (let i = 0; i < 3; i += 1) {
      grade(text, '1.5', 'default');
      grade(text, '1.5', 'official');
    }
  }
}

warmUp();
console.log(
  '| input | characters | official ms | default ms | boxes ms | official vote ms | default vote ms | kind | equals itself |',
);
console.log('|---|---:|---:|---:|---:|---:|---:|---|---|');
let worst = { name: '', time: 0 };
for (const [name, make] of Object.entries(HOSTILE_INPUTS)) {
  const text = make();
  const ballots = [text, '1.5', text, '3/2', null, text, '2', '', text, '1.50'];
  const times = [
    Math.max(
      least(() => grade(text, '1.5', 'official')),
      least(() => grade('1.5', text, 'official')),
    ),
    least(() => grade(text, '1.5', 'default')),
    boxes(text),
    least(() => voteWith(ballots, { variant: 'official-server', grader: 'official' })),
    least(() => voteWith(ballots, { variant: 'default', grader: 'default' })),
  ];
  const slowest = Math.max(...times);
  if (slowest > worst.time) worst = { name, time: slowest };
  const cells = [name, text.length, ...times.map((time) => time.toFixed(2)), canonicalAnswer(text).kind];
  console.log(`| ${[...cells, grade(text, text, 'default') ? 'yes' : 'no (blank)'].join(' | ')} |`);
}
console.log();
console.log(
  `${Object.keys(HOSTILE_INPUTS).length} inputs; worst: ${worst.name}, ${worst.time.toFixed(2)} ms, ${worst.time < LIMIT ? 'under' : 'OVER'} ${LIMIT} ms.`,
);
