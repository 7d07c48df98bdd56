/** The text is not a formula. Control flow inside this folder, never a failure. */
export class NotAnExpression extends Error {
  override readonly name = 'NotAnExpression';
}
