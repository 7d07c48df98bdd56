/** From a Challenger completion to a question and the answer it proposes. Pure, linear in the length of the text, never throws on text. */
import { extractAllBoxedOfficial, extractBoxedOfficial, lastBox } from './boxed.ts';
import { pythonStrip } from './official/python-text.ts';
import type { FrozenPreset, ParsingStage, ParsingVariant } from './presets.ts';

export { extractBoxed } from './boxed.ts';

const OPEN = '<question>';
const CLOSE = '</question>';

export type InvalidReason =
  'no_question_tags' | 'empty_question' | 'no_boxed_answer' | 'empty_boxed_answer' | 'pattern_mismatch';

export interface ParsedQuestion {
  status: 'valid' | 'invalid';
  reason: InvalidReason | null;
  /** What stood between the tags, trimmed; kept for the record when the output is invalid for another reason. */
  question: string | null;
  /** The Challenger's own answer. Never used as a label. */
  answer: string | null;
}

export interface ParseOptions {
  /** Questions that do not match in full are invalid. A pattern without the `g` and `y` flags. */
  questionPattern?: RegExp;
  /** @default 'training' */
  stage?: ParsingStage;
}

/** The last question block, and where its closing tag ends. */
interface Block {
  text: string;
  end: number;
}

/** Python's `re.findall("<question>(.*?)</question>", text, DOTALL)[-1]`, in linear time. */
function lastBlock(text: string): Block | null {
  let block: Block | null = null;
  let position = 0;
  for (;;) {
    const open = text.indexOf(OPEN, position);
    if (open === -1) return block;
    const close = text.indexOf(CLOSE, open + OPEN.length);
    if (close === -1) return block;
    position = close + CLOSE.length;
    block = { text: text.slice(open + OPEN.length, close), end: position };
  }
}

function invalid(reason: InvalidReason, question: string | null, answer: string | null): ParsedQuestion {
  return { status: 'invalid', reason, question, answer };
}

/** caller_penalty.py:122-133. A missing box reads as the string "None", so it passes; the answer is that string's last character. */
function parseOfficialTraining(text: string): ParsedQuestion {
  const block = lastBlock(text);
  if (block === null) return invalid('no_question_tags', null, null);
  const boxed = extractBoxedOfficial(text);
  if (boxed === '') return invalid('empty_boxed_answer', null, null);
  const question = pythonStrip(block.text);
  const answer = pythonStrip(lastCharacter(boxed));
  return question === ''
    ? invalid('empty_question', question, answer)
    : { status: 'valid', reason: null, question, answer };
}

/** Python indexes code points, JavaScript UTF-16 units. */
function lastCharacter(text: string): string {
  const last = text.codePointAt(text.length - 2);
  return last !== undefined && last > 0xffff ? String.fromCodePoint(last) : text.slice(-1);
}

/** question_generate.py:107-124. Needs any box, accepts blank ones and a blank question. */
function parseOfficialGeneration(text: string): ParsedQuestion {
  const block = lastBlock(text);
  if (block === null) return invalid('no_question_tags', null, null);
  const answer = extractAllBoxedOfficial(text).at(-1);
  if (answer === undefined) return invalid('no_boxed_answer', null, null);
  return { status: 'valid', reason: null, question: pythonStrip(block.text), answer: pythonStrip(answer) };
}

/** arXiv 2508.05004, section 3.2, format check: a non-blank question between tags. The answer is noted and not required. */
function parseTagsOnly(text: string): ParsedQuestion {
  const block = lastBlock(text);
  if (block === null) return invalid('no_question_tags', null, null);
  const boxed = extractBoxedOfficial(text);
  const answer = boxed === 'None' || boxed === '' ? null : boxed;
  const question = pythonStrip(block.text);
  return question === ''
    ? invalid('empty_question', question, answer)
    : { status: 'valid', reason: null, question, answer };
}

function parseStrict(text: string): ParsedQuestion {
  const block = lastBlock(text);
  if (block === null) return invalid('no_question_tags', null, null);
  // An opening tag that was begun twice: the inner one is the question.
  const question = block.text.slice(nestedStart(block.text)).trim();
  const box = lastBox(text, block.end);
  const answer = box === null ? null : text.slice(box.start, box.end).trim();
  if (question === '') return invalid('empty_question', question, answer);
  if (answer === null) return invalid('no_boxed_answer', question, null);
  if (answer === '') return invalid('empty_boxed_answer', question, answer);
  return { status: 'valid', reason: null, question, answer };
}

function nestedStart(text: string): number {
  const open = text.lastIndexOf(OPEN);
  return open === -1 ? 0 : open + OPEN.length;
}

const VARIANTS: Record<ParsingVariant, (text: string) => ParsedQuestion> = {
  'official-training': parseOfficialTraining,
  'official-generation': parseOfficialGeneration,
  'tags-only': parseTagsOnly,
  strict: parseStrict,
};

/**
 * Parses one Challenger completion under a preset. `valid` means that the question may be asked of the Solver; the answer
 * is kept for the record.
 */
export function parseChallengerOutput(text: string, preset: FrozenPreset, options: ParseOptions = {}): ParsedQuestion {
  const parsed = VARIANTS[preset.parsing[options.stage ?? 'training']](text);
  if (parsed.status === 'invalid' || options.questionPattern === undefined) return parsed;
  return matchesInFull(options.questionPattern, parsed.question ?? '')
    ? parsed
    : invalid('pattern_mismatch', parsed.question, parsed.answer);
}

function matchesInFull(pattern: RegExp, text: string): boolean {
  // match() ignores lastIndex only without g and y; a stateful pattern would give another answer at every call.
  const stateless =
    pattern.global || pattern.sticky ? new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')) : pattern;
  const match = stateless.exec(text);
  return match !== null && match[0].length === text.length;
}
