/** Decoding by entry points of a traced graph, which holds the cache and chooses the tokens. */
import { nextPosition, packPrompts } from '../decoder.ts';
import type { DecodeRequest, Decoder } from '../decoder.ts';
import { MASKED } from '../model.ts';
import { ropeRows } from '../rope.ts';
import { chooseToken, refuseDiverged } from '../sampling.ts';
import type { Choice } from '../sampling.ts';
import type { Model } from '../weights.ts';
import { splitUniforms } from './choice.ts';
import type { ProgramState } from './program-state.ts';
import type { Feed } from './session.ts';

/** Columns of a cache come in multiples of this; it grows by half of itself. */
const COLUMNS = 16;
/** Free columns to begin with. */
const FIRST_COLUMNS = 32;

export function tracedDecoder(model: Model, state: ProgramState, request: DecodeRequest): Decoder {
  const { config } = model;
  const { kvHeads, headDim } = config;
  const { session } = state;
  const prompts = packPrompts(request.prompts);
  const most = roundUp(prompts.length + request.maxTokens);
  let length = prompts.length;
  let capacity = Math.min(most, roundUp(length + FIRST_COLUMNS));
  let padding = prompts.promptOf.map((prompt) => prompts.padding[prompt] as number);
  let mask = maskOf(padding, length, capacity);
  let slots = slotsOf(padding.length * kvHeads, capacity);
  const choose = choiceOf(request);

  const arrange = (rows: readonly number[], columns: number): void => {
    const room = Int32Array.of(columns - capacity);
    session.fetch('arrange', [
      { shape: [rows.length], values: Int32Array.from(rows) },
      { shape: [], values: Int32Array.of(capacity) },
      { shape: [], values: room },
    ]);
    capacity = columns;
    padding = rows.map((row) => padding[row] as number);
    mask = maskOf(padding, length, capacity);
    slots = slotsOf(padding.length * kvHeads, capacity);
  };
  const run = (entry: string, feeds: readonly Feed[], draws: Float64Array): Choice[] => {
    // Another model may have had its turn between two steps.
    state.useWeights(model);
    return choose.read(session.fetch(`${entry}/${choose.variant}`, [...feeds, ...choose.feeds(draws)]));
  };

  return {
    start: (draws) => {
      const { count, tokens, positions, promptOf } = prompts;
      const { cos, sin } = ropeRows(config, model.rope, positions);
      const shape = [count, 1, length, headDim];
      const feeds: Feed[] = [
        { shape: [count, length], values: tokens },
        { shape, values: cos },
        { shape, values: sin },
        { shape: [count], values: Int32Array.from(prompts.padding) },
        { shape: [count], values: Int32Array.from({ length: count }, (_, row) => (row + 1) * length - 1) },
        { shape: [promptOf.length], values: Int32Array.from(promptOf) },
        { shape: [], values: Int32Array.of(capacity - length) },
      ];
      return run('prefill', feeds, draws);
    },
    step: (tokens, draws) => {
      const batch = tokens.length;
      if (length === capacity) {
        arrange([...padding.keys()], Math.min(most, roundUp(capacity * 1.5)));
      }
      for (let row = 0; row < batch; row++) mask[row * capacity + length] = 0;
      const positions = padding.map((pads) => nextPosition(length, pads, config.maxPositions));
      const { cos, sin } = ropeRows(config, model.rope, positions);
      const shape = [batch, 1, headDim];
      const feeds: Feed[] = [
        { shape: [batch], values: tokens },
        { shape, values: cos },
        { shape, values: sin },
        { shape: [batch, 1, 1, capacity], values: mask },
        { shape: [slots.length], values: slots.map((slot) => slot + length) },
      ];
      length += 1;
      return run('decode', feeds, draws);
    },
    keep: (rows) => {
      const same = rows.length === padding.length && rows.every((row, index) => row === index);
      if (!same) arrange(rows, capacity);
    },
    dispose: () => void session.fetch('freeCache', []),
  };
}

interface ChoiceCalls {
  variant: 'logits' | 'greedy' | 'plain' | 'tempered';
  feeds(draws: Float64Array): Feed[];
  read(outputs: readonly ArrayLike<number>[]): Choice[];
}

/** What is cut off by top-k or top-p is chosen in JavaScript; everything else in the graph. */
function choiceOf({ params, prompts }: DecodeRequest): ChoiceCalls {
  const { temperature, topK, topP } = params;
  const read: ChoiceCalls['read'] = ([tokens, logprobs]) =>
    Array.from(tokens as Int32Array, (token, row) => {
      const logprob = (logprobs as Float32Array)[row] as number;
      refuseDiverged(logprob);
      return { token, logprob };
    });
  if (temperature === 0) return { variant: 'greedy', feeds: () => [], read };
  const vector = (values: Int32Array): Feed => ({ shape: [values.length], values });
  const uniforms = (draws: Float64Array): Feed[] => {
    const { high, low } = splitUniforms(draws);
    return [vector(high), vector(low)];
  };
  if (topK > 0 || topP < 1) {
    let draws = new Float64Array(prompts.length);
    return {
      variant: 'logits',
      feeds: (next) => {
        draws = Float64Array.from(next);
        return [];
      },
      read: ([logits]) => {
        const values = logits as Float32Array;
        const width = values.length / draws.length;
        return Array.from(draws, (draw, row) =>
          chooseToken(values.subarray(row * width, (row + 1) * width), params, draw),
        );
      },
    };
  }
  if (temperature === 1) return { variant: 'plain', feeds: uniforms, read };
  const near = Math.fround(temperature);
  const parts = [near, temperature - near].map((value): Feed => ({ shape: [], values: Float32Array.of(value) }));
  return { variant: 'tempered', feeds: (draws) => [...uniforms(draws), ...parts], read };
}

function roundUp(columns: number): number {
  return Math.ceil(columns / COLUMNS) * COLUMNS;
}

/** [B C]: 0 for the columns that hold a token. */
function maskOf(padding: readonly number[], length: number, capacity: number): Float32Array {
  const mask = new Float32Array(padding.length * capacity).fill(MASKED);
  for (const [row, pads] of padding.entries()) mask.fill(0, row * capacity + pads, row * capacity + length);
  return mask;
}

/** Row of the cache that holds column 0 of each sequence and head. */
function slotsOf(count: number, capacity: number): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => index * capacity);
}
