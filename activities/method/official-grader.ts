/**
 * mathruler 0.1.0 `grade_answer(given, truth)`, the equivalence of the public code: two string normal forms, then tuples element by
 * element, then a symbolic difference. The reference hands the difference to sympy; here the exact algebra of this folder decides it, which
 * covers sums, products, quotients, powers and roots. Not covered, and judged unequal: identities between transcendental
 * functions (few pass the reference's two-letter limit), nested radicals that denest, and sympy's rounding of decimals to 15 digits.
 * Work is bounded, where the reference can run for ever.
 */
import { Algebra, NotComparable } from './algebra.ts';
import { NotAnExpression } from './expression-parser.ts';
import { hendrycksForm, prm800kForm, readsAsInteger, stripGroupingCommas } from './official-normalize.ts';
import { parsePythonExpression } from './python-expression.ts';

const TUPLE_CHARACTERS = '()[]';
/** Longer answers are compared as text alone: normalising is quadratic in places. */
const MAX_LENGTH = 4000;

export function gradeOfficially(given: string, truth: string): boolean {
  if (given.length > MAX_LENGTH || truth.length > MAX_LENGTH) return given.trim() === truth.trim();
  if (hendrycksForm(truth) === hendrycksForm(given)) return true;
  const truthForm = prm800kForm(truth);
  const givenForm = prm800kForm(given);
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
  return isTuple ? inside.split(',').map((element) => element.trim()) : [plain];
}

function isFraction(text: string): boolean {
  return /^-?[0-9]+.?\/0*[1-9][0-9]*.?$/.test(text);
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
    const algebra = new Algebra();
    return algebra.isZero(parsePythonExpression(difference, algebra));
  } catch (error) {
    if (error instanceof NotComparable || error instanceof NotAnExpression) return false;
    throw error;
  }
}
