/**
 * How text is cut into words before byte-pair encoding, by the name that llama.cpp gives it (`tokenizer.ggml.pre`), in
 * the form of tokenizer.json. Each is the published tokenizer's own.
 */
export interface PreTokenizer {
  readonly normalizer: object | null;
  readonly preTokenizer: object;
  /** A word that is in the vocabulary is that token, whatever the merges say. */
  readonly ignoreMerges: boolean;
}

const byteLevel = (useRegex: boolean): object => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});

const split = (regex: string): object => ({
  type: 'Split',
  pattern: { Regex: regex },
  behavior: 'Isolated',
  invert: false,
});

const sequence = (...pretokenizers: readonly object[]): object => ({ type: 'Sequence', pretokenizers });

/** GPT-4's pattern with `digits` digits to a number. */
const words = (digits: string): string =>
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" +
  `${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

const GPT2: PreTokenizer = { normalizer: null, preTokenizer: byteLevel(true), ignoreMerges: false };

const LLAMA3: PreTokenizer = {
  normalizer: null,
  preTokenizer: sequence(split(words('\\p{N}{1,3}')), byteLevel(false)),
  ignoreMerges: true,
};

const QWEN2: PreTokenizer = {
  normalizer: { type: 'NFC' },
  preTokenizer: sequence(split(words('\\p{N}')), byteLevel(false)),
  ignoreMerges: false,
};

const SMOLLM: PreTokenizer = {
  normalizer: null,
  // The published file says `Digits`, of which @huggingface/tokenizers 0.2.0 knows the ASCII ones only; this is its meaning.
  preTokenizer: sequence(split('\\p{N}'), byteLevel(true)),
  ignoreMerges: false,
};

export const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map([
  ['gpt-2', GPT2],
  ['llama-bpe', LLAMA3],
  ['llama3', LLAMA3],
  ['llama-v3', LLAMA3],
  ['qwen2', QWEN2],
  ['deepseek-r1-qwen', QWEN2],
  ['smollm', SMOLLM],
]);
