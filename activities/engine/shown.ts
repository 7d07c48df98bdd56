/** Values out of files, in the messages about them. */

const MOST_CHARACTERS = 100;

/** As JSON, cut where it is long: a file may hold anything, at any depth. */
export function shown(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? 'nothing';
  } catch (error) {
    // Deeper than the stack.
    if (!(error instanceof RangeError)) throw error;
    return 'lists in lists without end';
  }
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`;
}
