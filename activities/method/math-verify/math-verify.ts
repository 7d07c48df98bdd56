/**
 * Scoring of mathematics benchmarks as the public code does it: evaluation/datasets_loader.py of R-Zero (lines 8, 32-47) takes the
 * first `\boxed{…}` of the response's line, however many braces follow, and asks math-verify 0.7.0 (latex2sympy2_extended 1.10.1,
 * sympy 1.14.0) whether `verify(parse(answer), parse(extracted))`. Both texts come without `$`, so LaTeX in them is mostly not
 * read at all: `\sqrt{16}` holds no answer, `3\sqrt{2}` is 3, `1,2` is 1.2, `(1,2)` nothing and so equal to nothing.
 * For better judgements use the graders of answer-equivalence.ts; this one reproduces published numbers.
 */
import { equalExpressions } from './compare.ts';
import { parseAnswer, type Parsed } from './parse.ts';
import { Unparsable, type Tree } from './tree.ts';
import { isPythonSpace, pythonStrip } from '../official/python-text.ts';

const BOX = /\\boxed/gi;

/**
 * `str(extract_answer(response))`: ANSWER_PATTERN_BOXED = `(?i)\\boxed\s*{([^\n]+)}`, first match, up to the last brace of the
 * line; "None" when there is none.
 */
export function extractForMathVerify(response: string): string {
  BOX.lastIndex = 0;
  for (let match = BOX.exec(response); match !== null; match = BOX.exec(response)) {
    let open = BOX.lastIndex;
    while (open < response.length && isPythonSpace(response.charAt(open))) open += 1;
    if (response[open] !== '{') continue;
    const line = response.indexOf('\n', open);
    const end = line === -1 ? response.length : line;
    const content = response.slice(open + 1, end);
    const close = content.lastIndexOf('}');
    if (close >= 1) return content.slice(0, close);
    // No brace follows for the other boxes of the line either.
    BOX.lastIndex = end;
  }
  return 'None';
}

/** `compare_answer(response, answer)` of a handler that compares with math-verify. Total, and bounded in work. */
export function mathVerifyCorrect(response: string, answer: string): boolean {
  return verify(parseAnswer(answer), parseAnswer(extractForMathVerify(response)));
}

function verify(gold: Parsed | null, pred: Parsed | null): boolean {
  if (gold === null || pred === null) return false;
  if (gold.text !== null && pred.text !== null) {
    const text = pythonStrip(gold.text);
    if (text !== '' && text === pythonStrip(pred.text)) return true;
  }
  return gold.tree !== null && pred.tree !== null && agree(gold.tree, pred.tree);
}

function agree(gold: Tree, pred: Tree): boolean {
  try {
    return equalExpressions(gold, pred);
  } catch (error) {
    if (error instanceof Unparsable || error instanceof RangeError) return false;
    throw error;
  }
}
