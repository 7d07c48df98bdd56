import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { encodeSavedModel } from '../../../activities/engine/graph/graph-def.ts';
import { tensorValue } from '../../../activities/engine/graph/graph.ts';

/** The messages of tensorflow/core/protobuf and framework, as far as a graph uses them. */
const SCHEMA = `syntax = "proto3";
message SavedModel { int64 saved_model_schema_version = 1; repeated MetaGraphDef meta_graphs = 2; }
message MetaGraphDef { MetaInfoDef meta_info_def = 1; GraphDef graph_def = 2; }
message MetaInfoDef { repeated string tags = 4; }
message GraphDef { repeated NodeDef node = 1; VersionDef versions = 4; }
message VersionDef { int32 producer = 1; }
message NodeDef { string name = 1; string op = 2; repeated string input = 3; map<string, AttrValue> attr = 5; }
message AttrValue { oneof value { bytes s = 2; int64 i = 3; float f = 4; bool b = 5; int32 type = 6;
  TensorShapeProto shape = 7; TensorProto tensor = 8; } }
message TensorShapeProto { message Dim { int64 size = 1; } repeated Dim dim = 2; bool unknown_rank = 3; }
message TensorProto { int32 dtype = 1; TensorShapeProto tensor_shape = 2; bytes tensor_content = 4; }`;

test('an independent protobuf reader finds what was written', () => {
  const bytes = encodeSavedModel([
    { name: 'x', op: 'Placeholder', inputs: [], attributes: { dtype: { type: 'int32' }, shape: { shape: [-1, 300] } } },
    {
      name: 'c',
      op: 'Const',
      inputs: ['^x'],
      attributes: {
        dtype: { type: 'float32' },
        value: { tensor: tensorValue('float32', [2], [1.5, -2]) },
        any: { shape: undefined },
        text: { text: 'é'.repeat(100) },
        many: { int: 2 ** 40 },
        negative: { int: -7 },
        flag: { bool: true },
        half: { float: 0.5 },
      },
    },
  ]);
  const type = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('SavedModel');
  const read = type.toObject(type.decode(bytes), { longs: Number, defaults: false }) as {
    saved_model_schema_version: number;
    meta_graphs: { meta_info_def: unknown; graph_def: { node: Record<string, unknown>[]; versions: unknown } }[];
  };
  assert.equal(read.saved_model_schema_version, 1);
  const [{ meta_info_def, graph_def }] = read.meta_graphs as [(typeof read.meta_graphs)[0]];
  assert.deepEqual(meta_info_def, { tags: ['serve'] });
  assert.deepEqual(graph_def.versions, { producer: 1087 });
  const [x, c] = graph_def.node as [Record<string, unknown>, Record<string, unknown>];
  assert.deepEqual(x['attr'], { dtype: { type: 3 }, shape: { shape: { dim: [{ size: -1 }, { size: 300 }] } } });
  assert.deepEqual([c['name'], c['op'], c['input']], ['c', 'Const', ['^x']]);
  const content = Buffer.from(Float32Array.of(1.5, -2).buffer);
  assert.deepEqual(c['attr'], {
    dtype: { type: 1 },
    value: { tensor: { dtype: 1, tensor_shape: { dim: [{ size: 2 }] }, tensor_content: content } },
    any: { shape: { unknown_rank: true } },
    text: { s: Buffer.from('é'.repeat(100)) },
    many: { i: 2 ** 40 },
    negative: { i: -7 },
    flag: { b: true },
    half: { f: 0.5 },
  });
});
