/**
 * Python's idea of white space, for the parts that reproduce Python code to the letter: JavaScript's `trim` and `\s` also
 * take U+FEFF and leave out U+001C to U+001F and U+0085.
 */
const SPACE_CLASS = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const SPACE_CHARACTER = new RegExp(`[${SPACE_CLASS}]`);
const SPACE_RUN = new RegExp(`[${SPACE_CLASS}]+`);

export function isPythonSpace(character: string): boolean {
  return SPACE_CHARACTER.test(character);
}

/** `str.strip()`. */
export function pythonStrip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isPythonSpace(text.charAt(start))) start += 1;
  while (end > start && isPythonSpace(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** `str.split()` without arguments: no empty pieces. */
export function pythonSplit(text: string): string[] {
  return text.split(SPACE_RUN).filter((piece) => piece !== '');
}
