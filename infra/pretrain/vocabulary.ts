/**
 * The base model's 28 tokens and its Hugging Face tokenizer files. Single characters come from a BPE model without
 * merges; the seven longer tokens are added tokens, which match before it. Text outside the vocabulary has no token.
 */
export const PAD = '<pad>';
export const BOS = '<bos>';
export const EOS = '<eos>';

/** In id order. */
export const VOCABULARY: readonly string[] = [
  PAD,
  BOS,
  EOS,
  ...Array.from('0123456789+-*=,?\nQAC:'),
  '\\boxed{',
  '}',
  '<question>',
  '</question>',
];

const SPECIAL: ReadonlySet<string> = new Set([PAD, BOS, EOS]);
const ids = new Map(VOCABULARY.map((token, id) => [token, id]));

/** Id of one token of the vocabulary. */
export function tokenId(token: string): number {
  const id = ids.get(token);
  if (id === undefined) throw new RangeError(`no such token: ${JSON.stringify(token)}`);
  return id;
}

const longTokens = VOCABULARY.filter((token) => token.length > 1);

/** Content of `tokenizer.json`. */
export function tokenizerJson(): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: longTokens.map((content) => ({
      id: tokenId(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: SPECIAL.has(content),
    })),
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    // Without a decoder both the Rust and the JavaScript library would put spaces between tokens.
    decoder: { type: 'Fuse' },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(VOCABULARY.map((token, id) => [token, id])),
      merges: [],
    },
  };
}

/** Content of `tokenizer_config.json`. */
export function tokenizerConfigJson(maxPositions: number): object {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    add_bos_token: false,
    add_eos_token: false,
    bos_token: BOS,
    eos_token: EOS,
    pad_token: PAD,
    clean_up_tokenization_spaces: false,
    model_max_length: maxPositions,
  };
}
