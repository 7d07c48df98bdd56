/** A position in a text of LaTeX: spacing, in whatever of its many spellings, is stepped over before anything is read. */

const MACRO = /\\(?:[a-zA-Z]+|.)/y;
const BLANK = ' \t\n\r~';
const SPACING = new Set([',', ';', ':', '!', ' ', ...'quad qquad displaystyle limits mathstrut left right'.split(' ')]);

export class LatexCursor {
  protected readonly text: string;
  protected position = 0;

  constructor(text: string) {
    this.text = text;
  }

  protected skip(): void {
    for (;;) {
      const character = this.text.charAt(this.position);
      if (character !== '' && BLANK.includes(character)) {
        this.position += 1;
        continue;
      }
      if (character !== '\\') return;
      const name = this.peek(MACRO)?.slice(1);
      if (name === undefined || !SPACING.has(name)) return;
      this.position += name.length + 1;
    }
  }

  /** What a sticky pattern matches here, spacing included. */
  protected peek(pattern: RegExp): string | null {
    pattern.lastIndex = this.position;
    return pattern.exec(this.text)?.[0] ?? null;
  }

  /** The next character behind spacing; undefined at the end. */
  protected next(): string | undefined {
    this.skip();
    return this.text[this.position];
  }

  /** The name of the macro that stands next. */
  protected macro(): string | null {
    return this.next() === '\\' ? (this.peek(MACRO)?.slice(1) ?? null) : null;
  }

  protected take(literal: string): boolean {
    this.skip();
    if (!this.text.startsWith(literal, this.position)) return false;
    this.position += literal.length;
    return true;
  }

  protected takeMacro(...names: string[]): boolean {
    const name = this.macro();
    if (name === null || !names.includes(name)) return false;
    this.position += name.length + 1;
    return true;
  }
}
