/**
 * LaTeX to a tree the way pylatexenc 2.10's tolerant parser reads it: mistakes never raise, they end a group early, drop a bracket, or leave
 * a macro without its arguments, which are then read as text. Work and nesting are bounded.
 */
import { ENVIRONMENT_SIGNATURES, MACRO_SIGNATURES, SPECIALS } from './latex-tables.ts';
import { isPythonSpace } from './python-text.ts';

/** What the reference raises on, e.g. a root without an argument, or more work than this parser does. The grader then keeps the LaTeX. */
export class LatexUnreadable extends Error {
  override readonly name = 'LatexUnreadable';
}

export type LatexNode =
  | { kind: 'chars'; text: string }
  | { kind: 'group'; nodes: LatexNode[] }
  | { kind: 'math'; display: boolean; nodes: LatexNode[] }
  | { kind: 'special'; text: string }
  | { kind: 'environment'; name: string; nodes: LatexNode[] }
  | { kind: 'macro'; name: string; signature: string; args: (LatexNode | null)[] | null; spaceAfter: string };

interface Token {
  kind: 'char' | 'macro' | 'begin' | 'end' | 'inline' | 'display' | 'open' | 'close' | 'special';
  text: string;
  start: number;
  end: number;
  before: string;
  after: string;
}

/** The text ended where a token was wanted. Control flow, as in the reference. */
class EndOfText extends Error {
  readonly space: string;
  constructor(space: string) {
    super('end of text');
    this.space = space;
  }
}

const MAX_DEPTH = 80;
/** A macro whose arguments are cut off is read again by the one around it, so the work needs a bound of its own. */
const MAX_TOKENS = 20_000;
const LETTERS = /\p{L}+/uy;
const ENVIRONMENT_NAME = /\s*\{([\p{L}\p{N}_* .-]+)\}/uy;

/** What ends a list of nodes: a closing bracket, `\end{name}`, or a closing math delimiter. */
interface Stop {
  bracket?: string;
  environment?: string;
  math?: string;
}

export function parseLatex(latex: string): LatexNode[] {
  return new Walker(latex).nodes({});
}

class Walker {
  readonly #text: string;
  #position = 0;
  #depth = 0;
  #tokens = 0;

  constructor(text: string) {
    this.#text = text;
  }

  nodes(stop: Stop): LatexNode[] {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new LatexUnreadable('nesting too deep');
    const result: LatexNode[] = [];
    let chars = '';
    const flush = (): void => {
      if (chars !== '') result.push({ kind: 'chars', text: chars });
      chars = '';
    };
    for (;;) {
      let token: Token;
      try {
        token = this.#token(this.#position, stop.bracket === ']', true);
      } catch (error) {
        if (!(error instanceof EndOfText)) throw error;
        chars += error.space;
        this.#position = this.#text.length;
        break;
      }
      this.#position = token.end;
      if (token.kind === 'char') {
        chars += token.before + token.text;
        continue;
      }
      chars += token.before;
      flush();
      if (token.kind === 'close' && token.text === stop.bracket) break;
      if (token.kind === 'end' && token.text === stop.environment) break;
      if ((token.kind === 'inline' || token.kind === 'display') && token.text === stop.math) break;
      const node = this.#node(token);
      if (node !== null) result.push(node);
    }
    flush();
    this.#depth -= 1;
    return result;
  }

  /** The node that a token opens; null for a closing token that nothing waits for. */
  #node(token: Token): LatexNode | null {
    switch (token.kind) {
      case 'open':
        return { kind: 'group', nodes: this.nodes({ bracket: token.text === '[' ? ']' : '}' }) };
      case 'special':
        return { kind: 'special', text: token.text };
      case 'inline':
      case 'display':
        if (token.text === '\\)' || token.text === '\\]') return null;
        return {
          kind: 'math',
          display: token.kind === 'display',
          nodes: this.nodes({ math: token.text === '\\(' ? '\\)' : '\\]' }),
        };
      case 'begin': {
        this.#arguments(ENVIRONMENT_SIGNATURES.get(token.text) ?? '', false);
        return { kind: 'environment', name: token.text, nodes: this.nodes({ environment: token.text }) };
      }
      case 'macro': {
        const signature = MACRO_SIGNATURES.get(token.text) ?? '';
        const args = this.#arguments(signature, token.text === '\\');
        return { kind: 'macro', name: token.text, signature, args, spaceAfter: token.after };
      }
      default:
        return null;
    }
  }

  /** Null when the text ends before the arguments do; what was read of them is then read again as text. */
  #arguments(signature: string, optionalWithoutSpace: boolean): (LatexNode | null)[] | null {
    const start = this.#position;
    try {
      const args: (LatexNode | null)[] = [];
      for (const kind of signature) {
        if (kind === '{') args.push(this.#expression());
        else if (kind === '*') args.push(this.#star());
        else if (optionalWithoutSpace && isPythonSpace(this.#text.charAt(this.#position))) args.push(null);
        else args.push(this.#optional());
      }
      return args;
    } catch (error) {
      if (!(error instanceof EndOfText)) throw error;
      this.#position = start;
      return null;
    }
  }

  #star(): LatexNode | null {
    const token = this.#token(this.#position, false, true);
    if (token.kind !== 'char' || token.text !== '*') return null;
    this.#position = token.end;
    return { kind: 'chars', text: '*' };
  }

  #optional(): LatexNode | null {
    let token: Token;
    try {
      token = this.#token(this.#position, true, false);
    } catch (error) {
      if (error instanceof EndOfText) return null;
      throw error;
    }
    if (token.kind !== 'open' || token.text !== '[') return null;
    this.#position = token.end;
    return { kind: 'group', nodes: this.nodes({ bracket: ']' }) };
  }

  /** One argument: a group, or a single token; a macro there takes no arguments of its own. */
  #expression(): LatexNode {
    const token = this.#token(this.#position, false, false);
    if (token.kind === 'close' || (token.kind === 'macro' && token.text === 'end')) {
      this.#position = token.start;
      return { kind: 'chars', text: '' };
    }
    this.#position = token.end;
    if (token.kind === 'open') return { kind: 'group', nodes: this.nodes({ bracket: '}' }) };
    if (token.kind === 'special') return { kind: 'special', text: token.text };
    if (token.kind === 'char') return { kind: 'chars', text: token.text };
    return { kind: 'macro', name: token.text, signature: '', args: null, spaceAfter: token.after };
  }

  #token(from: number, brackets: boolean, environments: boolean): Token {
    this.#tokens += 1;
    if (this.#tokens > MAX_TOKENS) throw new LatexUnreadable('too much to read');
    const text = this.#text;
    let start = from;
    let before = '';
    while (start < text.length && isPythonSpace(text.charAt(start))) {
      before += text.charAt(start);
      start += 1;
      if (before.endsWith('\n\n')) {
        return { kind: 'char', text: '\n\n', start: start - 2, end: start, before: before.slice(0, -2), after: '' };
      }
    }
    if (start >= text.length) throw new EndOfText(before);
    const character = String.fromCodePoint(text.codePointAt(start) as number);
    if (character === '\\') return this.#macroToken(start, before, environments);
    const plain = { start, end: start + character.length, before, after: '' };
    if (character === '{' || (brackets && character === '[')) return { kind: 'open', text: character, ...plain };
    if (character === '}' || (brackets && character === ']')) return { kind: 'close', text: character, ...plain };
    for (const [special] of SPECIALS) {
      if (text.startsWith(special, start))
        return { kind: 'special', text: special, ...plain, end: start + special.length };
    }
    return { kind: 'char', text: character, ...plain };
  }

  #macroToken(start: number, before: string, environments: boolean): Token {
    const text = this.#text;
    if (start + 1 >= text.length) throw new EndOfText('');
    LETTERS.lastIndex = start + 1;
    const word = LETTERS.exec(text)?.[0];
    if (word === undefined) {
      const name = String.fromCodePoint(text.codePointAt(start + 1) as number);
      const end = start + 1 + name.length;
      if (name === '[' || name === ']') return { kind: 'display', text: `\\${name}`, start, end, before, after: '' };
      if (name === '(' || name === ')') return { kind: 'inline', text: `\\${name}`, start, end, before, after: '' };
      return { kind: 'macro', text: name, start, end, before, after: '' };
    }
    let end = start + 1 + word.length;
    if (environments && (word === 'begin' || word === 'end')) {
      ENVIRONMENT_NAME.lastIndex = end;
      const match = ENVIRONMENT_NAME.exec(text);
      if (match === null) return { kind: 'char', text: `\\${word}`, start, end, before, after: '' };
      return { kind: word, text: match[1] as string, start, end: end + match[0].length, before, after: '' };
    }
    let after = '';
    while (end < text.length && isPythonSpace(text.charAt(end))) {
      after += text.charAt(end);
      end += 1;
      if (after.endsWith('\n\n')) {
        after = after.slice(0, -2);
        end -= 2;
        break;
      }
    }
    return { kind: 'macro', text: word, start, end, before, after };
  }
}
