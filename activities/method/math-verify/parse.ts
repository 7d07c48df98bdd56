/**
 * What the reference finds in a text: `parse` of math_verify/parser.py (0.7.0) with its defaults, LaTeX between delimiters and plain
 * numbers, any match, the text first tried kept beside the expression.
 */
import { parseArithmetic } from './arithmetic.ts';
import { numberOfText } from './build.ts';
import { candidateGroups, type Candidate } from './candidates.ts';
import type { LatexMatch } from './environments.ts';
import { parseLatex } from './latex.ts';
import { normalizeLatex } from './normalize.ts';
import type { Work } from './outcomes.ts';
import type { ExpressionMatch } from './scan.ts';
import { Unparsable, finiteSet, percentOf, type Tree } from './tree.ts';

/** A line of more than this is no answer. The reference may find a number in it, or run into its time limit. */
const MAX_TEXT = 20_000;
/** Work on the LaTeX of one text, after which the text holds no answer: where the reference runs into its time limit. */
const MAX_STEPS = 4000;
/** Python refuses to read longer integers, which ends the parse. */
const MAX_DIGITS = 4300;

/** What a text is taken to say: an expression if one is found, and the text first tried. */
export interface Parsed {
  readonly tree: Tree | null;
  readonly text: string | null;
}

/** `parse(text)`; null when the reference fails altogether. */
export function parseAnswer(text: string): Parsed | null {
  if (text.length > MAX_TEXT) return null;
  const work = { steps: MAX_STEPS };
  let fallback: string | null = null;
  for (const group of candidateGroups(text)) {
    for (const candidate of group) {
      const read = readCandidate(candidate, work);
      if (read === null || work.steps < 0) return null;
      if (fallback === null && read.text !== null && read.text !== '') fallback = read.text;
      if (read.tree !== null) return { tree: read.tree, text: fallback };
    }
  }
  return { tree: null, text: fallback };
}

function readCandidate(candidate: Candidate, work: Work): Parsed | null {
  return candidate.kind === 'latex' ? readLatex(candidate, work) : readExpression(candidate);
}

/** extract_expr: a number, or arithmetic; `-05` is an error of its own that ends the parse. */
function readExpression({ expression, integer, decimal, percent }: ExpressionMatch): Parsed | null {
  if (integer === '' && decimal === '') return { tree: parseArithmetic(expression), text: expression };
  const whole = integer.replace(/[, ]/g, '').replace(/^0+/, '') || '0';
  const text = `${whole}${decimal.replaceAll(',', '.')}`;
  if (/^-0+[1-9]\d*$/.test(text) || /[^-.\d]/.test(text) || text.length > MAX_DIGITS) return null;
  const value = numberOrNull(text);
  return { tree: value !== null && percent ? percentOf(value) : value, text };
}

function numberOrNull(text: string): Tree | null {
  try {
    return numberOfText(text);
  } catch (error) {
    if (error instanceof Unparsable) return null;
    throw error;
  }
}

/** extract_latex: one environment, or several joined into a set when all can be read. */
function readLatex({ environments, bareBox }: LatexMatch, work: Work): Parsed {
  const texts: string[] = [];
  const trees: (Tree | null)[] = [];
  for (const { latex, percent } of environments) {
    const text = normalizeLatex(latex, bareBox ? 'last' : 'all');
    const tree = parseLatex(text, work);
    texts.push(text);
    if (percent && tree?.kind === 'relation') trees.push(null);
    else trees.push(tree !== null && percent ? percentOf(tree) : tree);
  }
  const known = trees.filter((tree): tree is Tree => tree !== null);
  if (trees.length > 1 && known.length === trees.length) {
    const elements = known.flatMap((tree) => (tree.kind === 'set' ? tree.args : [tree]));
    return { tree: finiteSet(elements), text: texts.join(' and ') };
  }
  return { tree: trees[0] ?? null, text: texts[0] ?? null };
}
