/**
 * Entry points of generation over a key-value cache that stays in the graph: [B KV C, dh] for each layer, of which a step
 * writes one row in place for every sequence and head. C, its capacity in columns, changes now and then.
 */
import { continuedCausalMask } from '../batch.ts';
import { decode, forward, head } from '../model.ts';
import type { Recorder } from './backend.ts';
import { CHOICES, chooseTokens } from './choice.ts';
import { tensorValue } from './graph.ts';
import type { Ref, Variable } from './graph.ts';
import { gatherRows, reshape } from './kernels.ts';
import type { Builder } from './program.ts';
import type { Scope } from './scope.ts';

interface CacheVariables {
  keys: Variable;
  values: Variable;
}

export function addDecoding(builder: Builder): void {
  const { graph, config, sizes } = builder;
  const shape = [sizes.batch * config.kvHeads * sizes.capacity, config.headDim];
  const caches = Array.from({ length: config.layers }, (_, layer) => ({
    keys: graph.variable(`keys${layer}`, 'ref', shape, false),
    values: graph.variable(`values${layer}`, 'ref', shape, false),
  }));
  addPrefill(builder, caches);
  addDecode(builder, caches);
  addArrange(builder, caches);
}

/** One entry point for each way of choosing a token. */
function addChoices(builder: Builder, name: string, scope: Scope, logits: Ref): void {
  for (const choice of CHOICES) {
    const variant = scope.fork(`${name}/${choice}`);
    const outputs = chooseTokens(variant, logits, choice);
    builder.entry(`${name}/${choice}`, variant, [...outputs, variant.finished()]);
  }
}

/**
 * `prefill/…`: runs P parts of T tokens, each behind the columns that its row holds, and puts their keys and values into
 * the cache. Feeds: tokens, cos, sin, first column of each part, last token of each part, the part that each sequence continues; which
 * of the new keys (part, head, token) go to which rows of the cache, so that pads go nowhere; and the rows of the cache that
 * each part and head looks at.
 */
function addPrefill(builder: Builder, caches: readonly CacheVariables[]): void {
  const { config, sizes } = builder;
  const { prompts, length, sequences, columns } = sizes;
  const { kvHeads, headDim } = config;
  const scope = builder.scope('prefill');
  const tokens = scope.input('tokens', 'int32', [prompts, length]);
  const cos = scope.input('cos', 'float32', [prompts, 1, length, headDim]);
  const sin = scope.input('sin', 'float32', [prompts, 1, length, headDim]);
  const starts = scope.input('starts', 'int32', [prompts]);
  const last = scope.input('last', 'int32', [prompts]);
  const partOf = scope.input('partOf', 'int32', [sequences]);
  const sources = scope.input('sources', 'int32', [sizes.rows]);
  const slots = scope.input('slots', 'int32', [sizes.rows]);
  const seen = scope.input('seen', 'int32', [prompts, kvHeads, columns]);
  const put = (variable: Variable, value: Ref): Ref => {
    const flat = reshape(scope, value, [prompts * kvHeads * length, headDim]);
    scatterRows(scope, variable, slots, gatherRows(scope, flat, sources));
    return gatherRows(scope, scope.read(variable), seen);
  };
  const logits = builder.record(scope, (recorder) => {
    const { tf, ops, tensor, ref } = recorder;
    const parameters = builder.parameters(scope, recorder);
    const hidden = forward(recorder, config, parameters, {
      tokens: tf.reshape(tensor(tokens), [prompts * length]),
      batch: prompts,
      length,
      columns,
      rotary: { cos: tensor(cos), sin: tensor(sin) },
      mask: continuedCausalMask(tf, tensor(starts), prompts, length, columns),
      attendTo: (layer, keys, values) => ({
        keys: tensor(put(caches[layer]!.keys, ref(keys))),
        values: tensor(put(caches[layer]!.values, ref(values))),
      }),
    });
    const ofParts = head(recorder, parameters, ops.embedding(hidden, tensor(last)));
    return ref(ops.embedding(ofParts, tensor(partOf)));
  });
  addChoices(builder, 'prefill', scope, logits);
}

/**
 * `decode/…`: one further token for each row, and the next one of each sequence. Feeds: tokens, cos, sin, mask over the
 * columns, the row of the cache that each row and head writes, and the row that each sequence continues.
 */
function addDecode(builder: Builder, caches: readonly CacheVariables[]): void {
  const { config, sizes } = builder;
  const { batch, capacity } = sizes;
  const { kvHeads, headDim } = config;
  const scope = builder.scope('decode');
  const tokens = scope.input('tokens', 'int32', [batch]);
  const cos = scope.input('cos', 'float32', [batch, 1, headDim]);
  const sin = scope.input('sin', 'float32', [batch, 1, headDim]);
  const mask = scope.input('mask', 'float32', [batch, 1, 1, capacity]);
  const slots = scope.input('slots', 'int32', [batch * kvHeads]);
  const rowOf = scope.input('rowOf', 'int32', [sizes.sequences]);
  const whole = [batch, kvHeads, capacity, headDim];
  const put = (variable: Variable, value: Ref): Ref => {
    scatterRows(scope, variable, slots, reshape(scope, value, [batch * kvHeads, headDim]));
    return reshape(scope, scope.read(variable), whole);
  };
  const logits = builder.record(scope, (recorder: Recorder) => {
    const { ops, tensor, ref } = recorder;
    const ofRows = decode(recorder, config, builder.parameters(scope, recorder), {
      tokens: tensor(tokens),
      batch,
      rotary: { cos: tensor(cos), sin: tensor(sin) },
      mask: tensor(mask),
      append: (layer, keys, values) => ({
        keys: tensor(put(caches[layer]!.keys, ref(keys))),
        values: tensor(put(caches[layer]!.values, ref(values))),
      }),
    });
    return ref(ops.embedding(ofRows, tensor(rowOf)));
  });
  addChoices(builder, 'decode', scope, logits);
}

/**
 * `allocate`: room for as many rows. `copy`: rows from here to there. `arrange`: the cache anew, of these rows of the
 * present one; of none, which frees it. Whoever feeds them knows what lies where.
 */
function addArrange(builder: Builder, caches: readonly CacheVariables[]): void {
  const variables = caches.flatMap(({ keys, values }) => [keys, values]);
  const { headDim } = builder.config;
  const { rows, capacity } = builder.sizes;
  const allocate = builder.scope('allocate');
  const count = allocate.input('count', 'int32', []);
  const packing = { N: { int: 2 }, T: { type: 'int32' }, axis: { int: 0 } } as const;
  const shape = allocate.node('Pack', [count, allocate.size(headDim)], packing, [{ dtype: 'int32', shape: [2] }])[0];
  const zero = allocate.constant(tensorValue('float32', [], [0]));
  const filling = { T: { type: 'float32' }, index_type: { type: 'int32' } } as const;
  for (const variable of variables) {
    allocate.assign(variable, allocate.node('Fill', [shape, zero], filling, [variable])[0]);
  }
  builder.entry('allocate', allocate, [allocate.finished()]);

  const copy = builder.scope('copy');
  const from = copy.input('from', 'int32', [rows]);
  const to = copy.input('to', 'int32', [rows]);
  for (const variable of variables) scatterRows(copy, variable, to, gatherRows(copy, copy.read(variable), from));
  builder.entry('copy', copy, [copy.finished()]);

  const arrange = builder.scope('arrange');
  const kept = arrange.input('kept', 'int32', [capacity]);
  for (const variable of variables) arrange.assign(variable, gatherRows(arrange, arrange.read(variable), kept));
  builder.entry('arrange', arrange, [arrange.finished()]);
}

/** Writes rows of a cache in place. */
function scatterRows(scope: Scope, variable: Variable, slots: Ref, rows: Ref): void {
  scope.update('ScatterUpdate', [variable], [slots, rows], {
    T: { type: 'float32' },
    Tindices: { type: 'int32' },
    use_locking: { bool: false },
  });
}
