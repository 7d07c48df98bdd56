/**
 * All places where the reference looks for an answer, best first: `extract_target_from_pred` of math_verify/parser.py (0.7.0).
 * Patterns come in groups of priority (a stated final answer, boxes, a stated answer, anything); within a group the match that
 * ends last wins, then the one that starts first.
 */
import { EnvironmentScanner, type LatexMatch } from './environments.ts';
import { Budget, ExpressionScanner, first, isSpace, type ExpressionMatch } from './scan.ts';

export type Candidate = LatexMatch | ExpressionMatch;

const STEPS = 20_000;
const HOPE = /\.?\s?I hope/y;
const FINAL_IS = /final answer is:?/gi;
const FINAL = /final answer/gi;
const ANSWER = /answer/gi;

export function* candidateGroups(text: string): Iterable<Candidate[]> {
  const budget = new Budget(STEPS);
  const search = new Search(text, budget);
  const anchored = /answer/i.test(text);
  if (anchored) {
    yield ordered([...search.hoped('latex'), ...search.hoped('expression')]);
    yield ordered([...search.stated('latex'), ...search.boxes(), ...search.stated('expression')]);
    yield ordered([...search.after(true, 'latex'), ...search.after(true, 'expression')]);
    yield ordered([...search.after(false, 'latex'), ...search.after(false, 'expression')]);
  } else {
    yield ordered(search.boxes());
  }
  yield ordered(search.plain());
}

function ordered(matches: Candidate[]): Candidate[] {
  return matches.sort((a, b) => b.end - a.end || a.start - b.start);
}

class Search {
  readonly #text: string;
  readonly #budget: Budget;
  readonly #latex: EnvironmentScanner;
  readonly #expressions: ExpressionScanner;

  constructor(text: string, budget: Budget) {
    this.#text = text;
    this.#budget = budget;
    this.#latex = new EnvironmentScanner(text, budget);
    this.#expressions = new ExpressionScanner(text, budget);
  }

  plain(): Candidate[] {
    const expressions = this.#expressions;
    return [
      ...this.#latex.all(false),
      ...expressions.all((start) => expressions.arithmetic(start)),
      ...expressions.all((start) => expressions.numbers(start)),
    ];
  }

  boxes(): Candidate[] {
    if (!this.#text.includes('\\boxed{')) return [];
    const bare = this.#latex.bareBox();
    return [...this.#latex.all(true), ...(bare === null ? [] : [bare])];
  }

  /** `final answer is X. I hope`. */
  hoped(kind: Candidate['kind']): Candidate[] {
    return this.#collect(FINAL_IS, (_, end) => {
      const colon = this.#text[end - 1] === ':' ? [end, end - 1] : [end];
      return this.#first(colon, (at) =>
        this.#first(this.#spaces(at), (place) => this.#match(kind, place, (stop) => this.#hopes(stop))),
      );
    });
  }

  #hopes(end: number): number {
    HOPE.lastIndex = end;
    return HOPE.exec(this.#text) === null ? -1 : HOPE.lastIndex;
  }

  /** `final answer … is X`, at most 100 characters between. */
  stated(kind: Candidate['kind']): Candidate[] {
    return this.#collect(FINAL, (_, end) => {
      for (let at = end; at <= end + 100 && at < this.#text.length; at += 1) {
        const is = this.#skip(at);
        if (is > at && this.#text.startsWith('is', is)) {
          const stop = is + 2;
          const places = this.#text[stop] === ':' ? [stop + 1, stop] : [stop];
          const found = this.#first(places, (place) =>
            this.#first(kind === 'latex' ? this.#spaces(place) : [place], (from) => this.#match(kind, from, (e) => e)),
          );
          if (found !== null) return found;
        }
        if (kind === 'expression' && this.#text[at] === '\n') return null;
      }
      return null;
    });
  }

  /** `answer: … X`: after the last equals sign within 100 characters, or within 50 characters. */
  after(colon: boolean, kind: Candidate['kind']): Candidate[] {
    return this.#collect(ANSWER, (_, wordEnd) => {
      if (colon && this.#text[wordEnd] !== ':') return null;
      const from = colon ? wordEnd + 1 : wordEnd;
      if (kind === 'latex') {
        const places = Array.from({ length: 51 }, (_unused, k) => from + k);
        return this.#first(places, (place) => this.#match(kind, place, (end) => end));
      }
      const line = this.#text.indexOf('\n', from);
      const limit = Math.min(from + 100, line === -1 ? this.#text.length : line);
      for (let at = limit; at >= from; at -= 1) {
        if (this.#text[at] !== '=') continue;
        const found = this.#first(this.#spaces(at + 1), (place) =>
          this.#match(kind, place, (end) => this.#noEquals(end)),
        );
        if (found !== null) return found;
      }
      const near = Math.min(from + 50, limit);
      const places = Array.from({ length: Math.max(0, near - from + 1) }, (_unused, k) => from + k);
      return this.#first(places, (place) => this.#match(kind, place, (end) => this.#noEquals(end)));
    });
  }

  #noEquals(end: number): number {
    return this.#text[this.#skip(end)] === '=' ? -1 : end;
  }

  #skip(from: number): number {
    let at = from;
    while (at < this.#text.length && isSpace(this.#text.charAt(at))) at += 1;
    this.#budget.charge(at - from);
    return at;
  }

  /** Ends of `\s*` at a place, longest first; more than the last few can never help. */
  #spaces(from: number): number[] {
    const end = this.#skip(from);
    return end === from ? [end] : [end, end - 1];
  }

  #first<T>(places: readonly number[], find: (place: number) => T | null): T | null {
    for (const place of places) {
      if (this.#budget.spent) return null;
      const found = find(place);
      if (found !== null) return found;
    }
    return null;
  }

  #match(kind: Candidate['kind'], place: number, accept: (end: number) => number): Candidate | null {
    if (kind === 'latex') {
      const match = this.#latex.group(place, false);
      const end = match === null ? -1 : accept(match.end);
      return match === null || end === -1 ? null : { ...match, end };
    }
    return first(this.#accepted(place, accept));
  }

  *#accepted(place: number, accept: (end: number) => number): Iterable<Candidate> {
    for (const match of this.#expressions.either(place)) {
      const end = accept(match.end);
      if (end !== -1) yield { ...match, end };
    }
  }

  /** Non-overlapping matches of an anchor and what follows it. */
  #collect(anchor: RegExp, find: (start: number, end: number) => Candidate | null): Candidate[] {
    const found: Candidate[] = [];
    for (let from = 0; !this.#budget.spent;) {
      anchor.lastIndex = from;
      const match = anchor.exec(this.#text);
      if (match === null) break;
      this.#budget.charge((match.index - from) / 16 + 1);
      const candidate = find(match.index, match.index + match[0].length);
      if (candidate !== null) found.push({ ...candidate, start: match.index });
      from = candidate === null ? match.index + 1 : Math.max(candidate.end, match.index + 1);
    }
    return found;
  }
}
