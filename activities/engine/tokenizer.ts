import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { RZeroError } from '../errors.ts';
import { specialSpans, splitAtSpans } from './prompt-parts.ts';
import type { PromptPart, SpecialToken } from './prompt-parts.ts';
import { bytesOfTokens } from './token-bytes.ts';

export interface Tokenizer {
  /**
   * Special tokens written out in the text (`<bos>`) become their ids, except in plain parts, where they stay text; none
   * are added.
   */
  encode(text: string | readonly PromptPart[]): number[];
  /** @param options.keepSpecial also writes tokens such as `<eos>`. @default false */
  decode(ids: readonly number[], options?: { keepSpecial?: boolean }): string;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** The end-of-sequence token when the tokenizer names no pad token. */
  readonly padId: number | undefined;
  /** Id of one token by its exact text. */
  idOf(token: string): number | undefined;
  readonly vocabSize: number;
  /**
   * What each token adds to a text, by id; nothing when texts of this tokenizer are more than the sum of their tokens
   * (token-bytes.ts).
   */
  tokenBytes(): readonly Uint8Array[] | undefined;
}

/** @throws RZeroError `TokenizerUnreadable` when tokenizer.json is missing or malformed. */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const definition = await readJson(join(folder, 'tokenizer.json'));
  if (!definition) throw unreadable(`${join(folder, 'tokenizer.json')} does not exist`);
  const config = (await readJson(join(folder, 'tokenizer_config.json'))) ?? {};
  return createTokenizer(definition, config);
}

/**
 * @param definition content of tokenizer.json
 * @param config content of tokenizer_config.json
 */
export function createTokenizer(definition: object, config: object = {}): Tokenizer {
  const tokenizer = understood(() => new HuggingFaceTokenizer(definition, config));
  const named = (field: string): number | undefined => {
    const token = (config as Record<string, unknown>)[field];
    const text = typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token;
    return typeof text === 'string' ? tokenizer.token_to_id(text) : undefined;
  };
  const eosId = named('eos_token');
  const specials = specialTokens(definition);
  let plain: { tokenizer: HuggingFaceTokenizer } | undefined;
  const encodeParts = (parts: readonly PromptPart[]): number[] => {
    const text = parts.map((part) => part.text).join('');
    const meant = specialSpans(parts, specials);
    const spelled = specialSpans([{ text }], specials);
    const same = meant.length === spelled.length && meant.every(({ start }, i) => start === spelled[i]?.start);
    // Nothing plain spells a token, which is how it nearly always is.
    if (same) return encodeWith(tokenizer, text);
    plain ??= { tokenizer: understood(() => new HuggingFaceTokenizer(withoutSpecials(definition, specials), config)) };
    const ordinary = plain.tokenizer;
    return splitAtSpans(text, meant).flatMap((piece) =>
      typeof piece === 'object' ? [piece.id] : encodeWith(ordinary, piece),
    );
  };
  const decode: Tokenizer['decode'] = (ids, { keepSpecial = false } = {}) => {
    // A model's output layer may be wider than its vocabulary; the library refuses an empty list.
    const known = ids.filter((id) => tokenizer.id_to_token(id) !== undefined);
    if (known.length === 0) return '';
    return understood(() =>
      tokenizer.decode(known, { skip_special_tokens: !keepSpecial, clean_up_tokenization_spaces: false }),
    );
  };
  return {
    encode: (text) => (typeof text === 'string' ? encodeWith(tokenizer, text) : encodeParts(text)),
    decode,
    bosId: named('bos_token'),
    eosId,
    padId: named('pad_token') ?? eosId,
    idOf: (token) => tokenizer.token_to_id(token),
    vocabSize: tokenizer.get_vocab().size,
    tokenBytes: () => {
      const { added_tokens = [], decoder } = definition as Definition;
      const { additional_special_tokens: more = [] } = config as { additional_special_tokens?: unknown[] };
      const added = new Set<unknown>([...added_tokens.map(({ content }) => content), ...more]);
      return bytesOfTokens(tokenizer.get_vocab(), decoder, (token, id) =>
        added.has(token) ? decode([id]) : undefined,
      );
    },
  };
}

/** The library reads most of a definition only when it works by it, and fails then on what makes no sense. */
function understood<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unreadable(
      `tokenizer.json is not understood: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
}

function encodeWith(tokenizer: HuggingFaceTokenizer, text: string): number[] {
  const { ids, tokens } = understood(() => tokenizer.encode(text, { add_special_tokens: false }));
  const unknown = ids.findIndex((id: unknown) => !Number.isInteger(id));
  if (unknown < 0) return ids;
  throw new RZeroError(
    'EngineRequestInvalid',
    `The text has ${JSON.stringify(tokens[unknown])}, which the tokenizer lacks.`,
    { field: 'text', fix: 'Use only characters that the model knows.' },
  );
}

interface Definition {
  added_tokens?: (SpecialToken & { special?: boolean })[];
  model?: { vocab?: unknown; unk_token?: unknown };
  decoder?: unknown;
}

function specialTokens(definition: object): SpecialToken[] {
  return ((definition as Definition).added_tokens ?? []).filter(({ special }) => special);
}

/** The same tokenizer for text in which nothing is special. */
function withoutSpecials(definition: object, specials: readonly SpecialToken[]): object {
  const { added_tokens = [], model = {} } = definition as Definition;
  const barred = new Set(specials.map(({ content }) => content).filter((content) => content !== model.unk_token));
  const { vocab } = model;
  // Some models look a whole word up in the vocabulary, where special tokens are too.
  const isMap = typeof vocab === 'object' && vocab !== null && !Array.isArray(vocab);
  const kept = isMap ? Object.fromEntries(Object.entries(vocab).filter(([token]) => !barred.has(token))) : vocab;
  return {
    ...definition,
    added_tokens: added_tokens.filter(({ special }) => !special),
    model: { ...model, vocab: kept },
  };
}

async function readJson(path: string): Promise<object | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(`${path} cannot be read`, error);
  }
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null) return json;
  } catch (error) {
    throw unreadable(`${path} is not valid JSON`, error);
  }
  throw unreadable(`${path} is not an object`);
}

function unreadable(message: string, cause?: unknown): RZeroError {
  return new RZeroError('TokenizerUnreadable', `${message}.`, {
    field: 'path',
    fix: 'Give a model folder with the tokenizer.json of its model.',
    cause,
  });
}
