/** The work for an answer exceeds the bounds, or it has no value (1/0). Control flow inside this folder, never a failure. */
export class NotComparable extends Error {
  override readonly name = 'NotComparable';
}
