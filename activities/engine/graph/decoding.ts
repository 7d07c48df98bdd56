/**
 * Entry points of generation over a key-value cache that stays in the graph: [B KV C, dh] for each layer, of which a step
 * writes one row in place for every sequence and head. C, its capacity in columns, grows now and then.
 */
import { paddedCausalMask } from '../batch.ts';
import { decode, forward, head } from '../model.ts';
import type { LayerCache } from '../model.ts';
import type { Recorder } from './backend.ts';
import { CHOICES, chooseTokens } from './choice.ts';
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
  addFreeCache(builder, caches);
}

/** One entry point for the logits and one for each way of choosing a token. */
function addChoices(builder: Builder, name: string, scope: Scope, logits: Ref): void {
  for (const choice of CHOICES) {
    const variant = scope.fork(`${name}/${choice}`);
    const outputs = chooseTokens(variant, logits, choice);
    builder.entry(`${name}/${choice}`, variant, [...outputs, variant.finished()]);
  }
  builder.entry(`${name}/logits`, scope, [logits, scope.finished()]);
}

/**
 * `prefill/…`: runs P prompts of T columns, left-padded, and copies the cache of each to the sequences that share it.
 * Feeds: tokens, cos, sin, pads of each prompt, the last row of each prompt, the prompt of each sequence, free columns.
 */
function addPrefill(builder: Builder, caches: readonly CacheVariables[]): void {
  const { config, sizes } = builder;
  const { prompts, length, batch } = sizes;
  const { kvHeads, headDim } = config;
  const scope = builder.scope('prefill');
  const tokens = scope.input('tokens', 'int32', [prompts, length]);
  const cos = scope.input('cos', 'float32', [prompts, 1, length, headDim]);
  const sin = scope.input('sin', 'float32', [prompts, 1, length, headDim]);
  const pads = scope.input('pads', 'int32', [prompts]);
  const last = scope.input('last', 'int32', [prompts]);
  const promptOf = scope.input('promptOf', 'int32', [batch]);
  const room = scope.input('room', 'int32', []);
  const layers: LayerCache[] = [];
  const { logits, written } = builder.record(scope, (recorder) => {
    const { tf, ops, tensor, ref } = recorder;
    const parameters = builder.parameters(scope, recorder);
    const hidden = forward(recorder, config, parameters, {
      tokens: tf.reshape(tensor(tokens), [prompts * length]),
      batch: prompts,
      length,
      rotary: { cos: tensor(cos), sin: tensor(sin) },
      mask: paddedCausalMask(tf, tensor(pads), prompts, length),
      cacheOut: layers,
    });
    const ofPrompts = head(recorder, parameters, ops.embedding(hidden, tensor(last)));
    return {
      logits: ref(ops.embedding(ofPrompts, tensor(promptOf))),
      written: layers.map(({ keys, values }) => ({ keys: ref(keys), values: ref(values) })),
    };
  });
  for (const [layer, { keys, values }] of written.entries()) {
    const cache = caches[layer] as CacheVariables;
    for (const [variable, value] of [
      [cache.keys, keys],
      [cache.values, values],
    ] as const) {
      const rows = gatherRows(scope, value, promptOf);
      scope.assign(variable, asCache(scope, withRoom(scope, rows, room, kvHeads, headDim), headDim));
    }
  }
  addChoices(builder, 'prefill', scope, logits);
}

/**
 * `decode/…`: one further token for each sequence. Feeds: tokens, cos, sin, mask over the columns, and the row of the
 * cache that each sequence and head writes.
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
  const whole = [batch, kvHeads, capacity, headDim];
  const put = (variable: Variable, value: Ref): Ref => {
    const rows = reshape(scope, value, [batch * kvHeads, headDim]);
    scope.update('ScatterUpdate', [variable], [slots, rows], {
      T: { type: 'float32' },
      Tindices: { type: 'int32' },
      use_locking: { bool: false },
    });
    return reshape(scope, scope.read(variable), whole);
  };
  const logits = builder.record(scope, (recorder: Recorder) => {
    const { tensor, ref } = recorder;
    return ref(
      decode(recorder, config, builder.parameters(scope, recorder), {
        tokens: tensor(tokens),
        batch,
        rotary: { cos: tensor(cos), sin: tensor(sin) },
        mask: tensor(mask),
        append: (layer, keys, values) => ({
          keys: tensor(put(caches[layer]!.keys, ref(keys))),
          values: tensor(put(caches[layer]!.values, ref(values))),
        }),
      }),
    );
  });
  addChoices(builder, 'decode', scope, logits);
}

/** `arrange`: keeps the given sequences and adds columns. Feeds: rows, the present capacity, columns to add. */
function addArrange(builder: Builder, caches: readonly CacheVariables[]): void {
  const { kvHeads, headDim } = builder.config;
  const { batch, capacity } = builder.sizes;
  const scope = builder.scope('arrange');
  // The number of rows fed is that of the batch to come; the one before is whatever the cache has.
  const rows = scope.input('rows', 'int32', [batch]);
  const columns = scope.input('columns', 'int32', []);
  const room = scope.input('room', 'int32', []);
  const packing = { N: { int: 4 }, T: { type: 'int32' }, axis: { int: 0 } } as const;
  const parts = [scope.size(-1), scope.size(kvHeads), columns, scope.size(headDim)];
  const shape = scope.node('Pack', parts, packing, [{ dtype: 'int32', shape: [4] }])[0];
  for (const variable of caches.flatMap(({ keys, values }) => [keys, values])) {
    const whole = scope.node('Reshape', [scope.read(variable), shape], RESHAPE, [
      { dtype: 'float32', shape: [batch, kvHeads, capacity, headDim] },
    ])[0];
    const kept = gatherRows(scope, whole, rows);
    scope.assign(variable, asCache(scope, withRoom(scope, kept, room, kvHeads, headDim), headDim));
  }
  builder.entry('arrange', scope, [scope.finished()]);
}

/** `freeCache`: gives its memory back. */
function addFreeCache(builder: Builder, caches: readonly CacheVariables[]): void {
  const scope = builder.scope('freeCache');
  const nothing = scope.constant({ dtype: 'float32', shape: [0, builder.config.headDim], content: new Uint8Array() });
  for (const { keys, values } of caches) {
    scope.assign(keys, nothing);
    scope.assign(values, nothing);
  }
  builder.entry('freeCache', scope, [scope.finished()]);
}

const RESHAPE = { T: { type: 'float32' }, Tshape: { type: 'int32' } } as const;

/** [B, KV, columns, dh] with `room` further columns of zeros. */
function withRoom(scope: Scope, value: Ref, room: Ref, kvHeads: number, headDim: number): Ref {
  const { batch, capacity } = { batch: value.shape[0] as number, capacity: value.shape[2] as number };
  const zero = scope.size(0);
  const packing = { N: { int: 8 }, T: { type: 'int32' }, axis: { int: 0 } } as const;
  const flat = scope.node('Pack', [zero, zero, zero, zero, zero, room, zero, zero], packing, [
    { dtype: 'int32', shape: [8] },
  ])[0];
  const paddings = reshape(scope, flat, [4, 2]);
  return scope.node('Pad', [value, paddings], { T: { type: 'float32' }, Tpaddings: { type: 'int32' } }, [
    { dtype: 'float32', shape: [batch, kvHeads, capacity, headDim] },
  ])[0];
}

/** [B KV C, dh], whatever C is. */
function asCache(scope: Scope, value: Ref, headDim: number): Ref {
  return scope.node('Reshape', [value, scope.shape([-1, headDim])], RESHAPE, [
    { dtype: 'float32', shape: [value.shape.slice(0, -1).reduce((product, size) => product * size, 1), headDim] },
  ])[0];
}
