/** tokenizer.json and tokenizer_config.json of a model in a GGUF file. */
import { RZeroError } from '../../errors.ts';
import type { GgufValue } from './header.ts';
import { readMetadata, required } from './metadata.ts';
import { PRE_TOKENIZERS } from './pre-tokenizers.ts';

/** ggml's token types that are more than pieces of text. */
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;

export interface TokenizerFiles {
  /** tokenizer.json */
  definition: object;
  /** tokenizer_config.json */
  config: object;
  bosTokenId: number | undefined;
  padTokenId: number | undefined;
}

/**
 * @throws GgufError for metadata of the wrong type
 * @throws RZeroError `TokenizerUnreadable` for another kind of tokenizer than byte-level BPE, or an unknown one
 */
export function ggufTokenizer(values: ReadonlyMap<string, GgufValue>): TokenizerFiles {
  const metadata = readMetadata(values);
  const key = (name: string): string => `tokenizer.ggml.${name}`;
  const model = required(key('model'), metadata.text(key('model')));
  if (model !== 'gpt2') throw unreadable(`is ${JSON.stringify(model)}; "gpt2" (byte-level BPE) is read`);
  const pre = required(key('pre'), metadata.text(key('pre')));
  const scheme = PRE_TOKENIZERS.get(pre);
  if (!scheme) {
    throw unreadable(`cuts text as ${JSON.stringify(pre)}; these are read: ${[...PRE_TOKENIZERS.keys()].join(', ')}`);
  }
  const tokens = required(key('tokens'), metadata.texts(key('tokens')));
  const types = required(key('token_type'), metadata.numbers(key('token_type')));
  const merges = required(key('merges'), metadata.texts(key('merges'))).map(parseMerge);
  if (types.length !== tokens.length) throw unreadable(`has ${tokens.length} tokens and ${types.length} types`);
  const used = [...tokens.entries()].filter(([id]) => types[id] !== UNUSED);
  if (new Set(used.map(([, token]) => token)).size !== used.length) throw unreadable('has two tokens of the same text');

  const named = (which: string): { id: number; text: string } | undefined => {
    const id = metadata.number(key(`${which}_token_id`));
    const text = id === undefined ? undefined : tokens[id];
    return id === undefined || text === undefined ? undefined : { id, text };
  };
  const [bos, eos, pad, unknown] = [named('bos'), named('eos'), named('padding'), named('unknown')];
  const addBos = (metadata.flag(key('add_bos_token')) ?? false) && bos !== undefined;
  const template = metadata.text('tokenizer.chat_template');
  return {
    bosTokenId: bos?.id,
    padTokenId: pad?.id,
    definition: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: used.filter(([id]) => isAdded(types[id])).map(([id, text]) => addedToken(id, text, types[id])),
      normalizer: scheme.normalizer,
      pre_tokenizer: scheme.preTokenizer,
      post_processor: addBos ? startWith(bos) : null,
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: scheme.ignoreMerges,
        vocab: Object.fromEntries(used.map(([id, token]) => [token, id])),
        merges,
      },
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      add_bos_token: addBos,
      add_prefix_space: false,
      clean_up_tokenization_spaces: false,
      ...(bos ? { bos_token: bos.text } : {}),
      ...(eos ? { eos_token: eos.text } : {}),
      ...(pad ? { pad_token: pad.text } : {}),
      ...(unknown ? { unk_token: unknown.text } : {}),
      ...(template === undefined ? {} : { chat_template: template }),
    },
  };
}

const isAdded = (type: number | undefined): boolean => type === CONTROL || type === USER_DEFINED;

function addedToken(id: number, content: string, type: number | undefined): object {
  const special = type === CONTROL;
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
}

function startWith({ id, text }: { id: number; text: string }): object {
  const special = { SpecialToken: { id: text, type_id: 0 } };
  const sequence = (which: string, type_id: number): object => ({ Sequence: { id: which, type_id } });
  return {
    type: 'TemplateProcessing',
    single: [special, sequence('A', 0)],
    pair: [special, sequence('A', 0), special, sequence('B', 1)],
    special_tokens: { [text]: { id: text, ids: [id], tokens: [text] } },
  };
}

/** Two pieces with a space between; the first may be a space itself. */
function parseMerge(merge: string): [string, string] {
  const space = merge.indexOf(' ', 1);
  if (space < 0 || space === merge.length - 1) throw unreadable(`has the merge ${JSON.stringify(merge)}`);
  return [merge.slice(0, space), merge.slice(space + 1)];
}

function unreadable(what: string): RZeroError {
  return new RZeroError('TokenizerUnreadable', `The tokenizer in the GGUF file ${what}.`, {
    field: 'path',
    fix: 'Use the Hugging Face folder of the model, which has its tokenizer.json.',
  });
}
