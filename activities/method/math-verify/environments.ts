/**
 * The LaTeX environments that the reference looks into: `make_latex_env_pattern` of math_verify/parser.py (0.7.0), by hand.
 * `$$…$$`, `\[…\]`, `$…$`, `\(…\)`, ` […] ` and a bare `\frac{number}{number}`; up to five more after a comma, `and` or `or`.
 */
import { isSpace, type Budget } from './scan.ts';

export interface Environment {
  readonly latex: string;
  readonly percent: boolean;
}

export interface LatexMatch {
  readonly kind: 'latex';
  readonly start: number;
  readonly end: number;
  readonly environments: readonly Environment[];
  /** A bare `\boxed{…}`, of which only the last boxes count. */
  readonly bareBox: boolean;
}

const FRACTION = /-?\\frac\{-?\p{Nd}+(?:[.,]\p{Nd}+)?\}\{-?\p{Nd}+(?:[.,]\p{Nd}+)?\}/uy;
const PERCENT = /\\?%|[Pp]ercent|[Pp]ct/y;
const CONNECTOR = /,?and|,?or|,/y;
const DIGIT_BEFORE = /\p{Nd}/u;
const BOX = '\\boxed{';

interface Span {
  readonly from: number;
  readonly to: number;
  readonly end: number;
}

export class EnvironmentScanner {
  readonly #text: string;
  readonly #budget: Budget;
  /** The next place of each delimiter at or after a place already asked for: unclosed ones cost one search in all. */
  readonly #next = new Map<string, { from: number; at: number }>();

  constructor(text: string, budget: Budget) {
    this.#text = text;
    this.#budget = budget;
  }

  /** Matches from left to right, as `finditer` gives them. */
  all(boxed: boolean): LatexMatch[] {
    const found: LatexMatch[] = [];
    for (let start = 0; start < this.#text.length && !this.#budget.spent;) {
      const match = this.group(start, boxed);
      if (match !== null) {
        found.push(match);
        this.#budget.charge(20);
      }
      start = match === null ? start + 1 : match.end;
    }
    return found;
  }

  /** `\\boxed{.+}`: from the first box to the last brace of the text. */
  bareBox(): LatexMatch | null {
    const start = this.#text.indexOf(BOX);
    const end = this.#text.lastIndexOf('}') + 1;
    if (start === -1 || end < start + BOX.length + 2) return null;
    return {
      kind: 'latex',
      start,
      end,
      environments: [{ latex: this.#text.slice(start, end), percent: false }],
      bareBox: true,
    };
  }

  /** One to six connected environments at a place. */
  group(start: number, boxed: boolean): LatexMatch | null {
    const head = this.#environment(start, boxed);
    if (head === null) return null;
    const environments = [head.environment];
    let { end } = head;
    for (let next = 1; next <= 5; next += 1) {
      CONNECTOR.lastIndex = this.#skipSpace(end);
      const connector = CONNECTOR.exec(this.#text)?.[0];
      if (connector === undefined) break;
      const tail = this.afterSpace(CONNECTOR.lastIndex, boxed);
      if (tail === null) break;
      environments.push(tail.environment);
      end = tail.end;
    }
    if (boxed) end = this.#skipSpace(end);
    return { kind: 'latex', start, end, environments, bareBox: false };
  }

  /** An environment after optional white space; ` […] ` needs the last of it for itself. */
  afterSpace(from: number, boxed: boolean): { environment: Environment; end: number } | null {
    const place = this.#skipSpace(from);
    return this.#environment(place, boxed) ?? (place > from ? this.#environment(place - 1, boxed) : null);
  }

  /** Places at which a group may begin after optional white space. */
  starts(from: number): number[] {
    const place = this.#skipSpace(from);
    return place > from ? [place, place - 1] : [place];
  }

  #skipSpace(from: number): number {
    let at = from;
    while (at < this.#text.length && isSpace(this.#text.charAt(at))) at += 1;
    this.#budget.charge(at - from);
    return at;
  }

  #environment(start: number, boxed: boolean): { environment: Environment; end: number } | null {
    this.#budget.charge(1);
    const character = this.#text.charAt(start);
    if (character !== '$' && character !== '\\' && character !== '-' && !isSpace(character)) return null;
    for (const span of this.#spans(start, boxed)) {
      if (span === null || (boxed && !this.#holdsBox(span))) continue;
      PERCENT.lastIndex = this.#skipSpace(span.end);
      const percent = PERCENT.exec(this.#text) !== null;
      const end = percent ? PERCENT.lastIndex : this.#skipSpace(span.end);
      return { environment: { latex: this.#text.slice(span.from, span.to), percent }, end };
    }
    return null;
  }

  *#spans(start: number, boxed: boolean): Iterable<Span | null> {
    const text = this.#text;
    const escaped = start > 0 && text[start - 1] === '\\';
    if (!escaped && text.startsWith('$$', start)) yield this.#until(start + 2, '$$', false);
    if (!escaped && text.startsWith('\\[', start)) yield this.#until(start + 2, '\\]', false);
    if (!escaped && text[start] === '$' && !(start > 0 && DIGIT_BEFORE.test(text.charAt(start - 1)))) {
      yield this.#inlineDollar(start + 1);
    }
    if (!escaped && text.startsWith('\\(', start)) yield this.#until(start + 2, '\\)', true);
    if (isSpace(text.charAt(start)) && text[start + 1] === '[') yield this.#inlineBracket(start + 2);
    if (boxed) return;
    FRACTION.lastIndex = start;
    const fraction = text[start] === '-' || text[start] === '\\' ? FRACTION.exec(text) : null;
    if (fraction !== null) yield { from: start, to: FRACTION.lastIndex, end: FRACTION.lastIndex };
  }

  /** Content up to the first closing delimiter, which no content can pass and no backslash may precede. */
  #until(from: number, close: string, singleLine: boolean): Span | null {
    const at = this.#find(close, from);
    if (at <= from || this.#text[at - 1] === '\\') return null;
    if (singleLine) {
      const line = this.#find('\n', from);
      if (line !== -1 && line < at) return null;
    }
    return { from, to: at, end: at + close.length };
  }

  #inlineDollar(from: number): Span | null {
    for (let at = this.#find('$', from); at !== -1; at = this.#find('$', at + 1)) {
      this.#budget.charge(1);
      const line = this.#find('\n', from);
      if (at === from || (line !== -1 && line < at)) return null;
      if (this.#text[at - 1] !== '\\') return { from, to: at, end: at + 1 };
    }
    return null;
  }

  #inlineBracket(from: number): Span | null {
    const at = this.#find(']', from);
    if (at <= from || !isSpace(this.#text.charAt(at + 1))) return null;
    for (const other of ['\n', '[']) {
      const place = this.#find(other, from);
      if (place !== -1 && place < at) return null;
    }
    return { from, to: at, end: at + 2 };
  }

  #holdsBox({ from, to }: Span): boolean {
    const open = this.#find(BOX, from);
    if (open === -1 || open >= to) return false;
    const close = this.#find('}', open + BOX.length + 1);
    return close !== -1 && close < to;
  }

  #find(what: string, from: number): number {
    const known = this.#next.get(what);
    if (known !== undefined && known.from <= from && (known.at === -1 || known.at >= from)) return known.at;
    const at = this.#text.indexOf(what, from);
    this.#budget.charge(((at === -1 ? this.#text.length : at) - from) / 16);
    this.#next.set(what, { from, at });
    return at;
  }
}
