/** A completion is stored twice, as token ids and as text; altering one of them shows. */
import type { ModelProfile } from '../profile.ts';
import { storable } from '../../db/bulk.ts';
import type { VerifyContext } from './context.ts';
import type { RowId } from './findings.ts';

interface StoredText {
  completion: string;
  tokens: readonly number[];
  logprobs?: readonly number[];
  finishReason: string;
}

/** @returns false, and the row is reported, when its text is not that of its tokens */
export function checkText(
  { findings, tokenizer, profile }: VerifyContext,
  role: keyof Pick<ModelProfile, 'challenger' | 'solver'>,
  table: string,
  row: RowId,
  { completion, tokens, logprobs, finishReason }: StoredText,
): boolean {
  findings.examine('texts');
  let isWhole = true;
  const differs = (column: string, expected: string, actual: string): void => {
    isWhole = false;
    findings.report({ check: 'texts', table, row, problem: 'differs', column, expected, actual });
  };
  if (logprobs && logprobs.length !== tokens.length) {
    differs('logprobs', `${tokens.length} of them`, `${logprobs.length} of them`);
  }
  if (!tokenizer) return isWhole;
  const { stop } = profile[role];
  const decoded = storable(tokenizer.decode(tokens));
  const rest = decoded.startsWith(completion) ? decoded.slice(completion.length) : undefined;
  // The last token may hold the beginning of a stop text, which is not part of the completion.
  const isCut = rest !== undefined && finishReason === 'stop' && beginsStop(rest, stop ?? []);
  if (rest !== '' && !isCut) differs('completion', decoded.slice(0, 200), completion.slice(0, 200));
  return isWhole;
}

function beginsStop(rest: string, stop: readonly string[]): boolean {
  return stop.some((text) => text.startsWith(rest) || rest.startsWith(text));
}
