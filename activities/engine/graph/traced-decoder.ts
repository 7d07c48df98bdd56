/** Decoding by entry points of a traced graph, which holds the cache and chooses the tokens. */
import { packParts } from '../decoder.ts';
import type { DecodeRequest, Decoder } from '../decoder.ts';
import { MASKED } from '../model.ts';
import { ropeRows } from '../rope.ts';
import { refuseDiverged } from '../sampling.ts';
import type { Choice } from '../sampling.ts';
import type { Model } from '../weights.ts';
import { choiceFor } from './choice.ts';
import type { ProgramState } from './program-state.ts';
import type { Feed } from './session.ts';

export function tracedDecoder(model: Model, state: ProgramState, request: DecodeRequest): Decoder {
  const { config } = model;
  const { kvHeads, headDim, maxPositions } = config;
  const { session } = state;
  const choice = choiceFor(request.params, config.vocabSize);
  let batch = request.rows;
  let capacity = request.columns;
  /** [B C]: 0 for the columns that hold a token. */
  let mask = new Float32Array(batch * capacity).fill(MASKED);
  session.fetch('allocate', [{ shape: [], values: Int32Array.of(batch * kvHeads * capacity) }]);

  /** Where in the cache a row's head has its column 0. */
  const base = (row: number, kvHead: number): number => (row * kvHeads + kvHead) * capacity;
  const show = (row: number, columns: number): void => {
    mask.fill(MASKED, row * capacity, (row + 1) * capacity);
    mask.fill(0, row * capacity, row * capacity + columns);
  };
  const run = (entry: string, feeds: readonly Feed[], draws: Float64Array): Choice[] => {
    // Another model may have had its turn between two steps.
    state.useWeights(model);
    return readChoices(session.fetch(`${entry}/${choice.variant}`, [...feeds, ...choice.feeds(draws)]));
  };

  return {
    copy: (copies) => {
      const from: number[] = [];
      const to: number[] = [];
      for (const copy of copies) {
        for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
          for (let column = 0; column < copy.columns; column++) {
            from.push(base(copy.from, kvHead) + column);
            to.push(base(copy.to, kvHead) + column);
          }
        }
        show(copy.to, copy.columns);
      }
      session.fetch('copy', [vector(from), vector(to)]);
    },
    prefill: (parts, sequences, draws) => {
      const { count, length, columns, tokens, positions, starts, last } = packParts(parts, maxPositions);
      const { cos, sin } = ropeRows(config, model.rope, positions);
      const sources: number[] = [];
      const slots: number[] = [];
      const seen = new Int32Array(count * kvHeads * columns);
      for (const [index, part] of parts.entries()) {
        for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
          const first = base(part.row, kvHead);
          const from = index * kvHeads + kvHead;
          for (let t = 0; t < part.tokens.length; t++) {
            sources.push(from * length + t);
            slots.push(first + part.from + t);
          }
          for (let column = 0; column < columns; column++) seen[from * columns + column] = first + column;
        }
        show(part.row, part.from + part.tokens.length);
      }
      const rotary = [count, 1, length, headDim];
      const feeds: Feed[] = [
        { shape: [count, length], values: tokens },
        { shape: rotary, values: cos },
        { shape: rotary, values: sin },
        vector(starts),
        vector(last),
        vector(sequences),
        vector(sources),
        vector(slots),
        { shape: [count, kvHeads, columns], values: seen },
      ];
      return run('prefill', feeds, draws);
    },
    step: (tokens, columns, draws) => {
      const slots = new Int32Array(batch * kvHeads);
      const positions = new Int32Array(batch);
      for (let row = 0; row < batch; row++) {
        const column = Math.min(columns[row] as number, capacity - 1);
        mask[row * capacity + column] = 0;
        positions[row] = Math.min(columns[row] as number, maxPositions - 1);
        for (let kvHead = 0; kvHead < kvHeads; kvHead++) slots[row * kvHeads + kvHead] = base(row, kvHead) + column;
      }
      const { cos, sin } = ropeRows(config, model.rope, positions);
      const rotary = [batch, 1, headDim];
      const feeds: Feed[] = [
        vector(tokens),
        { shape: rotary, values: cos },
        { shape: rotary, values: sin },
        { shape: [batch, 1, 1, capacity], values: mask },
        vector(slots),
      ];
      return run('decode', feeds, draws);
    },
    arrange: (rows, columns) => {
      const same = Math.min(capacity, columns);
      // What is new holds anything finite.
      const kept = new Int32Array(rows.length * kvHeads * columns);
      const shown = new Float32Array(rows.length * columns).fill(MASKED);
      for (const [index, row] of rows.entries()) {
        for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
          const to = (index * kvHeads + kvHead) * columns;
          for (let column = 0; column < same; column++) kept[to + column] = base(row, kvHead) + column;
        }
        shown.set(mask.subarray(row * capacity, row * capacity + same), index * columns);
      }
      session.fetch('arrange', [vector(kept)]);
      batch = rows.length;
      capacity = columns;
      mask = shown;
    },
    dispose: () => void session.fetch('freeCache', []),
  };
}

/** The graph's choices of one step. @throws RZeroError `ModelDiverged` */
function readChoices([tokens, logprobs]: readonly ArrayLike<number>[]): Choice[] {
  return Array.from(tokens as Int32Array, (token, row) => {
    const logprob = (logprobs as Float32Array)[row] as number;
    refuseDiverged(logprob);
    return { token, logprob };
  });
}

function vector(values: readonly number[] | Int32Array): Feed {
  return { shape: [values.length], values: Int32Array.from(values) };
}
