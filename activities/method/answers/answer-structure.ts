/** Brackets of an answer: splitting at the outermost level and taking one pair off. Linear in the length of the text. */

const OPENING = '([{';
const CLOSING = ')]}';

/** Bracket depth before each character. Braces that are escaped count like plain ones; kinds are not matched, since [0,1) is an answer. */
function depths(text: string): Int32Array {
  const result = new Int32Array(text.length + 1);
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const character = text.charAt(i);
    if (CLOSING.includes(character)) depth -= 1;
    result[i] = depth;
    if (OPENING.includes(character)) depth += 1;
  }
  result[text.length] = depth;
  return result;
}

/** Pieces of the text between matches of a global pattern that lie outside of all brackets and of matrices. */
export function splitTopLevel(text: string, separator: RegExp): string[] {
  if (text.startsWith('\\begin')) return [text];
  const depth = depths(text);
  const pieces: string[] = [];
  let start = 0;
  for (const match of text.matchAll(separator)) {
    if (depth[match.index] !== 0) continue;
    pieces.push(text.slice(start, match.index));
    start = match.index + match[0].length;
  }
  pieces.push(text.slice(start));
  return pieces;
}

export interface Wrapped {
  open: '(' | '[' | '{';
  close: ')' | ']' | '}';
  inside: string;
}

/** The pair of brackets around the whole text, if its first bracket closes at its last character. */
export function unwrap(text: string): Wrapped | null {
  const escaped = text.startsWith('\\{') && text.endsWith('\\}');
  const head = escaped ? 2 : 1;
  const open = text.charAt(head - 1);
  const close = text.charAt(text.length - 1);
  if (text.length < 2 * head || !OPENING.includes(open) || open === '' || !CLOSING.includes(close)) return null;
  if ((open === '{') !== (close === '}')) return null;
  const depth = depths(text);
  for (let i = head; i < text.length - head; i += 1) if ((depth[i] as number) < 1) return null;
  return {
    open: open as Wrapped['open'],
    close: close as Wrapped['close'],
    inside: text.slice(head, text.length - head),
  };
}
