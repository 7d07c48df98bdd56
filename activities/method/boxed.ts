/** Reading `\boxed{...}` out of a completion, ours and the two public variants. All run in one pass over the text. */
import { pythonStrip } from './official/python-text.ts';

const BOX = '\\boxed{';

/**
 * Content of the last balanced `\boxed{}`, trimmed; null when there is none. Escaped braces (`\{`, `\}`) are characters, not
 * brackets; an unclosed box is passed over, so a truncated completion keeps its last complete answer.
 */
export function extractBoxed(text: string): string | null {
  const box = lastBox(text, 0);
  return box === null ? null : text.slice(box.start, box.end).trim();
}

/** Offsets of the content of the last balanced box that opens at or after `from`; null when there is none. */
export function lastBox(text: string, from: number): { open: number; start: number; end: number } | null {
  // The stack holds, for each open brace, the offset of the box it belongs to, or -1.
  const stack: number[] = [];
  let best: { open: number; start: number; end: number } | null = null;
  for (let i = from; i < text.length; i += 1) {
    const character = text.charCodeAt(i);
    if (character === 92) {
      if (text.startsWith(BOX, i)) {
        stack.push(i);
        i += BOX.length - 1;
      } else if (!text.startsWith(BOX, i + 1)) {
        i += 1; // whatever is escaped is not a bracket; a doubled backslash before `boxed{` still opens a box
      }
    } else if (character === 123) {
      stack.push(-1);
    } else if (character === 125) {
      const open = stack.pop();
      if (open !== undefined && open >= 0 && (best === null || open > best.open)) {
        best = { open, start: open + BOX.length, end: i };
      }
    }
  }
  return best;
}

/** mathruler 0.1.0 `extract_boxed_content`: the last box if it is balanced, otherwise the string "None". */
export function extractBoxedOfficial(text: string): string {
  const open = text.lastIndexOf(BOX);
  if (open === -1) return 'None';
  const start = open + BOX.length;
  let depth = 0;
  for (let i = start; i < text.length; i += 1) {
    const character = text.charCodeAt(i);
    if (character === 123) depth += 1;
    else if (character === 125) depth -= 1;
    if (depth === -1) return pythonStrip(text.slice(start, i));
  }
  return 'None';
}

/** question_generate.py:14-35 `extract_boxed`: every box, unstripped; an unclosed one runs to the end and loses its last character. */
export function extractAllBoxedOfficial(text: string): string[] {
  const results: string[] = [];
  let position = 0;
  for (;;) {
    const open = text.indexOf(BOX, position);
    if (open === -1) return results;
    let end = open + BOX.length;
    let depth = 1;
    while (end < text.length && depth > 0) {
      const character = text.charCodeAt(end);
      if (character === 123) depth += 1;
      else if (character === 125) depth -= 1;
      end += 1;
    }
    // Without a closing brace it is the last character of the answer that goes, a whole code point in Python.
    const last = depth > 0 && (text.codePointAt(end - 2) ?? 0) > 0xffff ? 2 : 1;
    results.push(text.slice(open + BOX.length, Math.max(open + BOX.length, end - last)));
    position = end;
  }
}
