import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { RZeroError } from '../errors.ts';

export interface Tokenizer {
  /** Special tokens written out in the text (`<bos>`) become their ids; none are added. */
  encode(text: string): number[];
  /** @param options.keepSpecial also writes tokens such as `<eos>`. @default false */
  decode(ids: readonly number[], options?: { keepSpecial?: boolean }): string;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** The end-of-sequence token when the tokenizer names no pad token. */
  readonly padId: number | undefined;
  /** Id of one token by its exact text. */
  idOf(token: string): number | undefined;
  readonly vocabSize: number;
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
  let tokenizer: HuggingFaceTokenizer;
  try {
    tokenizer = new HuggingFaceTokenizer(definition, config);
  } catch (error) {
    throw unreadable(
      `tokenizer.json is not understood: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
  const named = (field: string): number | undefined => {
    const token = (config as Record<string, unknown>)[field];
    const text = typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token;
    return typeof text === 'string' ? tokenizer.token_to_id(text) : undefined;
  };
  const eosId = named('eos_token');
  return {
    encode: (text) => {
      const { ids, tokens } = tokenizer.encode(text, { add_special_tokens: false });
      const unknown = ids.findIndex((id: unknown) => !Number.isInteger(id));
      if (unknown >= 0) {
        throw new RZeroError(
          'EngineRequestInvalid',
          `The text has ${JSON.stringify(tokens[unknown])}, which the tokenizer lacks.`,
          {
            field: 'text',
            fix: 'Use only characters that the model knows.',
          },
        );
      }
      return ids;
    },
    decode: (ids, { keepSpecial = false } = {}) => {
      // A model's output layer may be wider than its vocabulary; the library refuses an empty list.
      const known = ids.filter((id) => tokenizer.id_to_token(id) !== undefined);
      if (known.length === 0) return '';
      return tokenizer.decode(known, { skip_special_tokens: !keepSpecial, clean_up_tokenization_spaces: false });
    },
    bosId: named('bos_token'),
    eosId,
    padId: named('pad_token') ?? eosId,
    idOf: (token) => tokenizer.token_to_id(token),
    vocabSize: tokenizer.get_vocab().size,
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
