/**
 * How the public code scores its general benchmarks: multiple choice (eval_supergpqa.py and eval_mmlupro.py, :9-60) and BBEH's fuzzy match
 * (eval_bbeh.py:20-129). Hand-written scanners in place of the regular expressions that back-track.
 */
import { pythonFloat } from './official/official-normalize.ts';
import { pythonStrip } from './official/python-text.ts';

const BOX = '\\boxed{';
const STOP_WORDS = ['</s>', '<|im_end|>', '<|endoftext|>'];
const LETTERS = 'A B C D E F G H I J'.split(' ');
/** The reference looks for nesting two levels deep and no deeper. */
const MAX_BOX_DEPTH = 2;

/**
 * The chosen letter A to J; null where the reference draws one at random, so that a caller decides what no answer is worth
 * (a random draw scores 10 % for nothing).
 */
export function multipleChoicePrediction(output: string): string | null {
  const solution = extractSolution(output);
  return solution === null ? null : (LETTERS.find((letter) => solution.includes(letter)) ?? null);
}

/** The last box of the model's own part of the text, else the last line after `Final Answer:` or `The answer is:`; null without. */
export function extractSolution(text: string): string | null {
  let own = text;
  if (text.includes('<|im_start|>user')) {
    const assistant = text.indexOf('<|im_start|>assistant');
    if (assistant !== -1) own = text.slice(assistant);
  } else if (text.includes('Assistant:')) {
    own = pythonStrip(text.slice(text.lastIndexOf('Assistant:') + 'Assistant:'.length));
  }
  for (const word of STOP_WORDS) {
    const end = own.indexOf(word);
    if (end !== -1) own = pythonStrip(own.slice(0, end));
  }
  const boxed = lastShallowBox(own);
  if (boxed !== null && boxed !== '') return boxed;
  return lastAnswerLine(own, 'Final Answer:') ?? lastAnswerLine(own, 'The answer is:');
}

function lastShallowBox(text: string): string | null {
  let found: string | null = null;
  for (let open = text.indexOf(BOX); open !== -1;) {
    const start = open + BOX.length;
    const end = closingBrace(text, start);
    if (end !== null) found = text.slice(start, end);
    open = text.indexOf(BOX, end === null ? start : end + 1);
  }
  return found;
}

/** Offset of the brace that closes a box; null when it is missing or nests deeper than the reference follows. */
function closingBrace(text: string, start: number): number | null {
  let depth = 0;
  for (let i = start; i < text.length; i += 1) {
    const character = text.charCodeAt(i);
    if (character === 123 && (depth += 1) > MAX_BOX_DEPTH) return null;
    if (character === 125) {
      if (depth === 0) return i;
      depth -= 1;
    }
  }
  return null;
}

/** `marker((?:[^<]|<[^<])*?)\n`, last match: up to the end of the line, not across `<<`. */
function lastAnswerLine(text: string, marker: string): string | null {
  let found: string | null = null;
  for (let at = text.indexOf(marker); at !== -1;) {
    const start = at + marker.length;
    let i = start;
    while (i < text.length && text[i] !== '\n') {
      if (text[i] !== '<') i += 1;
      else if (i + 1 < text.length && text[i + 1] !== '<') i += 2;
      else break;
    }
    if (i >= text.length) return found; // no line ends from here on
    const ended = text[i] === '\n';
    if (ended) found = text.slice(start, i);
    at = text.indexOf(marker, ended ? i + 1 : start);
  }
  return found;
}

/** BBEH: whether a model's output agrees with the reference answer. */
export function bbehCorrect(output: string, reference: string): boolean {
  const prediction = bbehPrediction(output);
  const truth = pythonStrip(reference).toLowerCase().replaceAll(', ', ',');
  if (prediction === truth) return true;
  if (isBracketedLetter(prediction)) return prediction.charAt(1) === truth;
  if (isBracketedLetter(truth)) return truth.charAt(1) === prediction;
  const left = pythonFloat(prediction);
  const right = pythonFloat(truth);
  if (left !== null && right !== null && left === right) return true;
  return (
    prediction.replaceAll("'", '') === truth.replaceAll("'", '') ||
    `[${truth}]` === prediction ||
    `[${prediction}]` === truth ||
    (prediction.endsWith('?') && prediction.slice(0, -1) === truth)
  );
}

function isBracketedLetter(text: string): boolean {
  return Array.from(text).length === 3 && text.startsWith('(') && text.endsWith(')');
}

function bbehPrediction(output: string): string {
  let answer = pythonStrip(output);
  for (const prefix of ['The answer is:', 'The final answer is ', 'The final answer is: ', 'The answer is ']) {
    const at = answer.lastIndexOf(prefix);
    if (at !== -1) answer = pythonStrip(answer.slice(at + prefix.length));
  }
  if (answer.endsWith('.')) answer = answer.slice(0, -1);
  const line = stripLatex(answer).toLowerCase().replaceAll(', ', ',').replaceAll('**', '').split('\n')[0] as string;
  return line.endsWith('.') ? line.slice(0, -1) : line;
}

function stripLatex(text: string): string {
  let result = text;
  if (result.startsWith('$') && result.endsWith('$')) result = result.slice(1, -1);
  for (const macro of ['boxed{', 'text{', 'texttt{']) {
    if (result.includes(macro) && result.endsWith('}')) result = result.slice(0, -1).split(macro)[1] ?? '';
  }
  return result;
}
