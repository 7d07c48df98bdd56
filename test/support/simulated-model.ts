/**
 * The folder of a model that is never computed with: weights are zero, but configuration, tokenizer, prompts and held-out
 * questions are what a real model's are, so that everything around the engine does real work. Its tokens are words, bytes
 * where a word is unknown, about five characters each, as those of a large model.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatModelConfig } from '../../activities/engine/config.ts';
import { parameterSpecs } from '../../activities/engine/parameters.ts';
import { formatSafetensorsHeader } from '../../activities/engine/safetensors.ts';
import { createRandom } from '../../activities/method/seeds.ts';
import { mixedQuestions } from '../bench/question-corpus.ts';

const MAX_POSITIONS = 8192;
const HELD_OUT = 400;
const SPECIAL = ['<pad>', '<bos>', '<eos>', '<ask>', '<solve>'] as const;
/** The first token of every prompt says whose it is. */
export const ASK_ID = 3;
export const SOLVE_ID = 4;
export const END_ID = 2;

const SEED = '00000000000051a0';

/** Makes the folder; everything in it follows from fixed seeds. */
export function writeSimulatedModel(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const vocab = vocabulary();
  const config = {
    vocabSize: Object.keys(vocab).length,
    hiddenSize: 8,
    layers: 1,
    heads: 2,
    kvHeads: 2,
    headDim: 4,
    intermediateSize: 8,
    maxPositions: MAX_POSITIONS,
    ropeTheta: 10_000,
    rmsNormEps: 1e-6,
    tieWordEmbeddings: true,
    eosTokenIds: [END_ID],
  };
  const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
  write('config.json', formatModelConfig(config, { bosTokenId: 1, padTokenId: 0 }));
  write('tokenizer.json', JSON.stringify(tokenizer(vocab)));
  write('tokenizer_config.json', JSON.stringify({ bos_token: '<bos>', eos_token: '<eos>', pad_token: '<pad>' }));
  const tensors = parameterSpecs(config).flatMap(({ stored }) => stored);
  const numbers = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  write('model.safetensors', Buffer.concat([formatSafetensorsHeader(tensors), Buffer.alloc(4 * numbers)]));
  write(
    'r-zero.json',
    JSON.stringify({
      version: 1,
      challenger: { prompt: '<ask>Write a challenging question with its answer.\n' },
      solver: {
        prompt: '<solve>{question}\nPlease reason step by step, and put your final answer within \\boxed{}.\n',
      },
    }),
  );
  const random = createRandom(SEED);
  const heldOut = mixedQuestions(HELD_OUT, '00000000000051a1').map((question) => ({
    question,
    answer: String(random.below(100)),
  }));
  write('held-out.jsonl', `${heldOut.map((item) => JSON.stringify(item)).join('\n')}\n`);
}

/** Special tokens, the 256 bytes, and the words of some questions with and without a space before them. */
function vocabulary(): Record<string, number> {
  const words = new Set(mixedQuestions(400, SEED).flatMap((text) => text.match(/[A-Za-z]+/g) ?? []));
  const tokens = [...SPECIAL, ...byteTokens(), ...[...words].flatMap((word) => [word, `${SPACE}${word}`])];
  return Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));
}

const SPACE = 'Ġ';

/** How byte-level tokenizers write the 256 bytes: printable ones as themselves, the others from U+0100 on. */
function byteTokens(): string[] {
  const isPrintable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : 256 + others++));
}

function tokenizer(vocab: Record<string, number>): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      // A word of the vocabulary is one token although no merges lead to it.
      ignore_merges: true,
      vocab,
      merges: [],
    },
  };
}
