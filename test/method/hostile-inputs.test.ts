import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalAnswer } from '../../activities/method/answers/answer-canonical.ts';
import { grade } from '../../activities/method/answers/answer-equivalence.ts';
import { extractAllBoxedOfficial, extractBoxed, extractBoxedOfficial } from '../../activities/method/boxed.ts';
import { voteWith } from '../../activities/method/voting.ts';
import { cpuMilliseconds } from './cpu-time.ts';
import { HOSTILE_INPUTS } from './hostile-inputs.ts';

/** Far above what any of them costs (see test/bench/hostile.ts), far below a hang. */
const LIMIT_MILLISECONDS = 250;
const INPUTS = Object.entries(HOSTILE_INPUTS).map(([name, make]) => ({ name, text: make() }));

function assertQuick(name: string, work: () => void): void {
  const fastest = Math.min(...[0, 1, 2].map(() => cpuMilliseconds(work)));
  assert.ok(fastest < LIMIT_MILLISECONDS, `${name}: ${fastest} ms`);
}

test('hostile answers are graded, unboxed and voted on in bounded time', () => {
  assert.ok(INPUTS.length >= 40);
  for (const { name, text } of INPUTS) {
    assertQuick(`${name}, default`, () => grade(text, '1.5', 'default'));
    assertQuick(`${name}, official`, () => grade(text, '1.5', 'official'));
    assertQuick(`${name}, official, reversed`, () => grade('1.5', text, 'official'));
    assertQuick(`${name}, box`, () => extractBoxed(text));
    assertQuick(`${name}, official boxes`, () => {
      extractBoxedOfficial(text);
      extractAllBoxedOfficial(text);
    });
    assertQuick(`${name}, vote`, () => {
      voteWith([text, '1.5', text, null], { variant: 'default', grader: 'default' });
      voteWith([text, '1.5', text, null], { variant: 'official-server', grader: 'official' });
    });
  }
});

test('hostile answers equal themselves and nothing else', () => {
  for (const { name, text } of INPUTS) {
    assert.equal(grade(text, text, 'default'), text.trim() !== '', name);
    assert.ok(!grade(text, '1.5', 'default'), name);
    assert.ok(!grade(text, 'x+1', 'default'), name);
  }
  const keys = INPUTS.map(({ text }) => canonicalAnswer(text).key);
  assert.equal(new Set(keys).size, keys.length);
});

test('what is beyond the bounds is reported as such, never as zero', () => {
  const beyond = ['incomparable', 'oversized'];
  for (const name of [
    'tower 9^9^9^9',
    'a megabyte of digits',
    'large binomial',
    'power (a+b+c+d)^60',
    'roots in roots',
  ]) {
    const text = HOSTILE_INPUTS[name]?.() as string;
    assert.ok(beyond.includes(canonicalAnswer(text).kind), name);
    assert.ok(!grade(text, '0', 'default'), name);
  }
});
