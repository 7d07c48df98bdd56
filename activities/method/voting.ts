/**
 * From m sampled answers to a pseudo-label and p̂ (arXiv 2508.05004, section 3.3). `default` sorts answers into classes of equal
 * canonical form, so neither the classes nor the label depend on the order of the answers. The official variants reproduce
 * start_vllm_server.py:162-224 and evaluate.py:121-166: first-seen keys, a grader asked in both directions, ties to the earliest.
 */
import { canonicalAnswer } from './answer-canonical.ts';
import { grade } from './answer-equivalence.ts';
import { extractBoxed, extractBoxedOfficial } from './boxed.ts';
import type { FrozenPreset, GraderName, VoteVariant } from './presets.ts';

export interface VoteClass {
  /** The spelling that stands for the class. */
  representative: string;
  count: number;
  /** Positions in `answers`, ascending. */
  members: number[];
}

export interface VoteResult {
  /** Representative of the largest class; null when nobody voted. */
  label: string | null;
  /** Size of the largest class: the numerator of p̂. */
  votes: number;
  /** Denominator of p̂: all answers; in `official-builder` only those with a non-empty box. */
  total: number;
  /** Largest first; in the official variants equal sizes in order of appearance. */
  classes: VoteClass[];
  /** Answers that joined no class: no box, an empty one, or one beyond the size limit. */
  unparsable: number;
  /** The two largest classes are equally large. */
  tie: boolean;
}

export interface VoteOptions {
  variant: VoteVariant;
  grader: GraderName;
}

/** The boxed answer of a Solver completion, trimmed; '' for an empty box, null without one. */
export function extractAnswer(text: string, preset: FrozenPreset): string | null {
  if (preset.grader === 'default') return extractBoxed(text);
  const boxed = extractBoxedOfficial(text);
  return boxed === 'None' ? null : boxed;
}

/** Votes under a preset; `use` says whether the Challenger is being scored or the data set labelled. */
export function vote(
  answers: readonly (string | null)[],
  preset: FrozenPreset,
  use: 'training' | 'labelling',
): VoteResult {
  return voteWith(answers, { variant: preset.vote[use], grader: preset.grader });
}

/**
 * Votes under a variant. `default` breaks a tie for the class whose canonical form is shorter, then smaller by code unit; a class is
 * represented by its most frequent spelling, then the shortest, then the smallest. All of these are independent of order.
 */
export function voteWith(answers: readonly (string | null)[], options: VoteOptions): VoteResult {
  return options.variant === 'default' ? voteByCanonicalForm(answers) : voteByFirstSeen(answers, options);
}

function result(classes: VoteClass[], total: number, unparsable: number): VoteResult {
  const [first, second] = classes;
  return {
    label: first?.representative ?? null,
    votes: first?.count ?? 0,
    total,
    classes,
    unparsable,
    tie: first !== undefined && second !== undefined && first.count === second.count,
  };
}

function voteByCanonicalForm(answers: readonly (string | null)[]): VoteResult {
  const keys = new Map<string, string | null>();
  const groups = new Map<string, { members: number[]; spellings: Map<string, number> }>();
  let unparsable = 0;
  answers.forEach((answer, index) => {
    const spelling = answer?.trim() ?? '';
    if (!keys.has(spelling)) keys.set(spelling, votingKey(spelling));
    const key = keys.get(spelling) ?? null;
    if (key === null) {
      unparsable += 1;
      return;
    }
    const group = groups.get(key) ?? { members: [], spellings: new Map<string, number>() };
    group.members.push(index);
    group.spellings.set(spelling, (group.spellings.get(spelling) ?? 0) + 1);
    groups.set(key, group);
  });
  const ordered = [...groups].sort(
    ([keyA, a], [keyB, b]) => b.members.length - a.members.length || byLengthThenText(keyA, keyB),
  );
  const classes = ordered.map(([, { members, spellings }]) => ({
    representative: (
      [...spellings].sort(([a, m], [b, n]) => n - m || byLengthThenText(a, b))[0] as [string, number]
    )[0],
    count: members.length,
    members,
  }));
  return result(classes, answers.length, unparsable);
}

function votingKey(answer: string): string | null {
  const { key, kind } = canonicalAnswer(answer);
  return kind === 'empty' || kind === 'oversized' ? null : key;
}

function byLengthThenText(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function voteByFirstSeen(answers: readonly (string | null)[], { variant, grader }: VoteOptions): VoteResult {
  const classes: VoteClass[] = [];
  let voters = 0;
  answers.forEach((answer, index) => {
    const spelling = answer ?? 'None';
    if (spelling === '') return;
    voters += 1;
    const joined = classes.find(({ representative }) => sameOfficially(spelling, representative, grader));
    if (joined === undefined) {
      classes.push({ representative: spelling, count: 1, members: [index] });
    } else {
      joined.count += 1;
      joined.members.push(index);
    }
  });
  const total = variant === 'official-builder' ? voters : answers.length;
  // A stable sort keeps the earliest class first among equals.
  return result(
    classes.sort((a, b) => b.count - a.count),
    total,
    answers.length - voters,
  );
}

/** `no ` is a test on substrings, so "casino owner" and "piano key" are the same answer there. */
function sameOfficially(answer: string, key: string, grader: GraderName): boolean {
  if (answer === key) return true;
  if (answer.toLowerCase().includes('no ') && key.toLowerCase().includes('no ')) return true;
  return grade(answer, key, grader) || grade(key, answer, grader);
}
