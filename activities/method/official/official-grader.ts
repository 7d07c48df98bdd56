/**
 * mathruler 0.1.0 `grade_answer(given, truth)`, the equivalence of the public code: two string normal forms, then tuples element by
 * element, then a symbolic difference. The reference hands the difference to sympy; here its tokens, precedence, rounding of floats and
 * zero test are reproduced (`python-tokens.ts`, `python-expression.ts`, `sympy-*.ts`). Known to differ: sympy misses that
 * ln(3 + 2 sqrt(2)) is 2 ln(1 + sqrt(2)), that 2^ln(3) is 3^ln(2), and, in one direction only, that (-2)^n is (-1)^n 2^n; infinities and
 * matrices are judged unequal. Work is bounded, where the reference can run for ever.
 */
import { NoNumber } from './big-float.ts';
import { hendrycksForm, prm800kForm, readsAsInteger, stripGroupingCommas } from './official-normalize.ts';
import { NotAnExpression, parsePythonExpression } from './python-expression.ts';
import { pythonStrip } from './python-text.ts';
import { vanishes } from './sympy-zero.ts';

const TUPLE_CHARACTERS = '()[]';
/** Longer answers are compared as text alone: normalising is quadratic in places. */
const MAX_LENGTH = 4000;

/** An answer with its normal forms, each computed when it is first needed: a vote compares one answer with many. */
export class OfficialAnswer {
  readonly text: string;
  #first: string | undefined;
  #second: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  get first(): string {
    return (this.#first ??= hendrycksForm(this.text));
  }

  get second(): string {
    return (this.#second ??= prm800kForm(this.text));
  }
}

export function gradeOfficially(given: string, truth: string): boolean {
  return gradePrepared(new OfficialAnswer(given), new OfficialAnswer(truth));
}

export function gradePrepared(given: OfficialAnswer, truth: OfficialAnswer): boolean {
  if (given.text.length > MAX_LENGTH || truth.text.length > MAX_LENGTH) return given.text.trim() === truth.text.trim();
  if (truth.first === given.first) return true;
  const truthForm = truth.second;
  const givenForm = given.second;
  if (truthForm === givenForm) return true;
  if (givenForm === '') return false;
  const truthElements = splitTuple(truthForm);
  const givenElements = splitTuple(givenForm);
  if (
    truthElements.length > 1 &&
    (truthForm.charAt(0) !== givenForm.charAt(0) || truthForm.at(-1) !== givenForm.at(-1))
  ) {
    return false;
  }
  return (
    truthElements.length === givenElements.length &&
    truthElements.every((element, i) => elementsEqual(element, givenElements[i] as string))
  );
}

function splitTuple(text: string): string[] {
  const plain = stripGroupingCommas(text);
  if (plain === '') return [];
  const inside = plain.slice(1, -1);
  const isTuple =
    plain.length > 2 &&
    TUPLE_CHARACTERS.includes(plain.charAt(0)) &&
    TUPLE_CHARACTERS.includes(plain.charAt(plain.length - 1)) &&
    !/[()[\]]/.test(inside);
  return isTuple ? inside.split(',').map(pythonStrip) : [plain];
}

function isFraction(text: string): boolean {
  return /^-?[0-9]+[^\n]?\/0*[1-9][0-9]*[^\n]?\n?$/u.test(text);
}

function elementsEqual(truth: string, given: string): boolean {
  if (isFraction(truth) && isFraction(given)) return truth === given;
  if (readsAsInteger(truth) !== readsAsInteger(given)) return false;
  return differenceVanishes(truth, given);
}

/** `should_allow_eval`: at most two distinct letters beside `sqrt` and `frac`, and no powers that could run away. */
function isAllowed(expression: string): boolean {
  const letters = new Set(expression.replaceAll('sqrt', '').replaceAll('frac', '').match(/\p{L}/gu) ?? []);
  return (
    letters.size <= 2 &&
    !expression.includes('^{') &&
    !expression.includes('^(') &&
    !/\^[0-9]+\^/.test(expression) &&
    !/\^[0-9][0-9]+/.test(expression)
  );
}

function differenceVanishes(truth: string, given: string): boolean {
  // Read as one text, as the reference does: brackets that are unbalanced on both sides may balance each other.
  const difference = `(${truth})-(${given})`;
  if (!isAllowed(difference)) return false;
  try {
    return vanishes(parsePythonExpression(difference));
  } catch (error) {
    if (error instanceof NotAnExpression || error instanceof NoNumber) return false;
    throw error;
  }
}
