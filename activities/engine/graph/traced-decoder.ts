/** Decoding by entry points of a traced graph, which holds the cache and chooses the tokens. */
import { packParts } from '../decoder.ts';
import type { DecodeRequest, Decoder } from '../decoder.ts';
import { MASKED } from '../model.ts';
import { ropeRows } from '../rope.ts';
import { refuseDiverged } from '../sampling.ts';
import type { Choices } from '../sampling.ts';
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
  const run = (entry: string, feeds: readonly Feed[], draws: Float64Array): Choices => {
    // Another model may have had its turn between two steps.
    state.useWeights(model);
    return readChoices(session.fetch(`${entry}/${choice.variant}`, [...feeds, ...choice.feeds(draws)]));
  };

  return {
    copy: (copies) => {
      const count = kvHeads * copies.reduce((sum, { columns }) => sum + columns, 0);
      const [sources, targets] = [new Int32Array(count), new Int32Array(count)];
      let next = 0;
      for (const { from, to, columns } of copies) {
        for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
          const [source, target] = [base(from, kvHead), base(to, kvHead)];
          for (let column = 0; column < columns; column++, next++) {
            sources[next] = source + column;
            targets[next] = target + column;
          }
        }
        show(to, columns);
      }
      session.fetch('copy', [vector(sources), vector(targets)]);
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
    step: (tokens, columns, sequences, draws) => {
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
        vector(sequences),
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
    dispose: () => void session.fetch('arrange', [vector([])]),
  };
}

/** The graph's choices of one step. @throws RZeroError `ModelDiverged` */
function readChoices([tokens, logprobs]: readonly ArrayLike<number>[]): Choices {
  const choices = { tokens: tokens as Int32Array, logprobs: logprobs as Float32Array };
  for (const logprob of choices.logprobs) refuseDiverged(logprob);
  return choices;
}

function vector(values: readonly number[] | Int32Array): Feed {
  return { shape: [values.length], values: values instanceof Int32Array ? values : Int32Array.from(values) };
}
