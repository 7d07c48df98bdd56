/**
 * From m sampled answers to a pseudo-label and p̂ (arXiv 2508.05004, section 3.3). `default` sorts answers into classes of equal
 * canonical form, so neither the classes nor the label depend on the order of the answers. The official variants reproduce
 * start_vllm_server.py:162-224 and evaluate.py:121-166: first-seen keys, a grader asked in both directions, ties to the earliest.
 */
import { canonicalAnswer, isIncomparable } from './answers/answer-canonical.ts';
import type { AnswerOptions, CanonicalAnswer } from './answers/answer-canonical.ts';
import { readingOf, sameCanonically } from './answers/answer-equivalence.ts';
import { extractBoxed, extractBoxedOfficial } from './boxed.ts';
import { OfficialAnswer, gradePrepared } from './official/official-grader.ts';
import type { FrozenPreset, GraderName, VoteVariant } from './presets.ts';

export interface VoteClass {
  /** The spelling that stands for the class. */
  representative: string;
  count: number;
  /** Positions in `answers`, ascending. */
  members: number[];
  /** Share of the answers' weight, in a weighted vote (vote-weights.ts). */
  weight?: number;
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
  /** Answers that the grader cannot compare by value within its bounds: they vote by their text, or not at all when too long. */
  incomparable: number;
  /** Votes of the first class less those of the second; of a single class, all of its votes. Negative where weights overruled counts. */
  margin: number;
  /** Shannon entropy of the classes in nats, over the answers that are in one: 0 for agreement, ln m for m different answers. */
  entropy: number;
  /** The two largest classes are equally large. */
  tie: boolean;
}

export interface VoteContext {
  /** The question that was answered: what it asks for decides how the `default` grader reads a percent sign. */
  question?: string;
}

export interface VoteOptions extends VoteContext {
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
  context: VoteContext = {},
): VoteResult {
  return voteWith(answers, { ...context, variant: preset.vote[use], grader: preset.grader });
}

/**
 * Votes under a variant. `default` breaks a tie for the class whose canonical form is shorter, then smaller by code unit; a class is
 * represented by its most frequent spelling, then the shortest, then the smallest. All of these are independent of order.
 */
export function voteWith(answers: readonly (string | null)[], options: VoteOptions): VoteResult {
  const reading = readingOf(options.question);
  return options.variant === 'default'
    ? voteByCanonicalForm(answers, reading)
    : voteByFirstSeen(answers, options, reading);
}

interface Counts {
  total: number;
  unparsable: number;
  incomparable: number;
}

function result(classes: VoteClass[], { total, unparsable, incomparable }: Counts): VoteResult {
  const [first, second] = classes;
  return {
    label: first?.representative ?? null,
    votes: first?.count ?? 0,
    total,
    classes,
    unparsable,
    incomparable,
    margin: (first?.count ?? 0) - (second?.count ?? 0),
    entropy: entropyOf(classes.map(({ count }) => count)),
    tie: first !== undefined && second !== undefined && first.count === second.count,
  };
}

/** In the order of the classes, which is fixed, so that the last bit does not depend on the order of the answers. */
function entropyOf(counts: readonly number[]): number {
  const voters = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count) => sum - (count / voters) * Math.log(count / voters), 0);
}

function voteByCanonicalForm(answers: readonly (string | null)[], reading: AnswerOptions): VoteResult {
  const forms = new Map<string, CanonicalAnswer>();
  const groups = new Map<string, { members: number[]; spellings: Map<string, number> }>();
  let unparsable = 0;
  let incomparable = 0;
  answers.forEach((answer, index) => {
    const spelling = answer?.trim() ?? '';
    const form = forms.get(spelling) ?? canonicalAnswer(spelling, reading);
    forms.set(spelling, form);
    if (isIncomparable(form)) incomparable += 1;
    if (form.kind === 'empty' || form.kind === 'oversized') {
      unparsable += 1;
      return;
    }
    const group = groups.get(form.key) ?? { members: [], spellings: new Map<string, number>() };
    group.members.push(index);
    group.spellings.set(spelling, (group.spellings.get(spelling) ?? 0) + 1);
    groups.set(form.key, group);
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
  return result(classes, { total: answers.length, unparsable, incomparable });
}

function byLengthThenText(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function voteByFirstSeen(
  answers: readonly (string | null)[],
  { variant, grader }: VoteOptions,
  reading: AnswerOptions,
): VoteResult {
  const classes: VoteClass[] = [];
  const keys: Ballot[] = [];
  // A spelling meets the same keys in the same order every time, so it joins the class it joined first.
  const known = new Map<string, { joined: VoteClass; incomparable: boolean }>();
  let voters = 0;
  let incomparable = 0;
  answers.forEach((answer, index) => {
    const spelling = answer ?? 'None';
    if (spelling === '') return;
    voters += 1;
    let entry = known.get(spelling);
    if (entry === undefined) {
      const ballot = new Ballot(spelling, reading);
      const position = keys.findIndex((key) => sameOfficially(ballot, key, grader));
      const joined = classes[position] ?? { representative: spelling, count: 0, members: [] };
      if (position === -1) {
        classes.push(joined);
        keys.push(ballot);
      }
      entry = { joined, incomparable: isIncomparable(ballot.canonical) };
      known.set(spelling, entry);
    }
    entry.joined.count += 1;
    entry.joined.members.push(index);
    if (entry.incomparable) incomparable += 1;
  });
  const total = variant === 'official-builder' ? voters : answers.length;
  // A stable sort keeps the earliest class first among equals.
  return result(
    classes.sort((a, b) => b.count - a.count),
    { total, unparsable: answers.length - voters, incomparable },
  );
}

/** A spelling as both graders read it, read once. */
class Ballot {
  readonly spelling: string;
  readonly official: OfficialAnswer;
  readonly canonical: CanonicalAnswer;
  readonly saysNo: boolean;

  constructor(spelling: string, reading: AnswerOptions) {
    this.spelling = spelling;
    this.official = new OfficialAnswer(spelling);
    this.canonical = canonicalAnswer(spelling, reading);
    // A test on substrings, so "casino owner" and "piano key" are the same answer there.
    this.saysNo = spelling.toLowerCase().includes('no ');
  }
}

function sameOfficially(answer: Ballot, key: Ballot, grader: GraderName): boolean {
  if (answer.spelling === key.spelling || (answer.saysNo && key.saysNo)) return true;
  return grader === 'official'
    ? gradePrepared(answer.official, key.official) || gradePrepared(key.official, answer.official)
    : sameCanonically(answer.canonical, key.canonical);
}
