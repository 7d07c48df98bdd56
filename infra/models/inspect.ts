import { basename, join } from 'node:path';
import { readFile, stat } from 'node:fs/promises';
import { ADAPTER_CONFIG, parseAdapterConfig } from '../../activities/engine/adapter-config.ts';
import { ADAPTERS } from '../../activities/engine/checkpoint-manifest.ts';
import { readCheckpointManifest } from '../../activities/engine/checkpoint.ts';
import { familyOf } from '../../activities/engine/families/index.ts';
import { openGguf } from '../../activities/engine/gguf/file.ts';
import { describeLora } from '../../activities/engine/lora.ts';
import type { LoraConfig } from '../../activities/engine/lora.ts';
import { openModelFiles } from '../../activities/engine/model-files.ts';
import { sizeOf } from '../../activities/engine/parameters.ts';
import type { RopeScaling } from '../../activities/engine/rope-scaling.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import { readOrigin } from './origin.ts';
import type { Origin } from './origin.ts';

export interface ModelDescription {
  path: string;
  format: 'folder' | 'checkpoint' | 'gguf';
  family: string;
  parameters: number;
  layers: number;
  hiddenSize: number;
  heads: number;
  keyValueHeads: number;
  headSize: number;
  feedForwardSize: number;
  vocabulary: number;
  context: number;
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
  tiedHead: boolean;
  endTokens: readonly number[];
  chatTemplate: boolean;
  /** Tensors by how they are stored; of a GGUF file only. */
  storage?: Record<string, number>;
  checkpointId?: string;
  /** Of a checkpoint of adapters; `parameters` above counts what they lie on. */
  adapters?: LoraConfig & { base: string; parameters: number };
  origin?: Origin;
}

/** Everything that can be said without computing; the model is checked as an import would. */
export async function inspectModel(path: string): Promise<ModelDescription> {
  const isFile = (await stat(path).catch(() => undefined))?.isFile() ?? false;
  const { config, companions, tensors, weights } = await openModelFiles(path);
  await weights.close();
  const checkpoint = isFile ? undefined : await readCheckpointManifest(path);
  const origin = isFile ? undefined : await readOrigin(path);
  return {
    path,
    format: isFile ? 'gguf' : checkpoint ? 'checkpoint' : 'folder',
    family: familyOf(config).name,
    parameters: tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    layers: config.layers,
    hiddenSize: config.hiddenSize,
    heads: config.heads,
    keyValueHeads: config.kvHeads,
    headSize: config.headDim,
    feedForwardSize: config.intermediateSize,
    vocabulary: config.vocabSize,
    context: config.maxPositions,
    ropeTheta: config.ropeTheta,
    ropeScaling: config.ropeScaling ?? null,
    tiedHead: config.tieWordEmbeddings,
    endTokens: config.eosTokenIds,
    chatTemplate: hasChatTemplate(companions),
    ...(isFile ? { storage: await storageTypes(path) } : {}),
    ...(checkpoint ? { checkpointId: checkpoint.id } : {}),
    ...(checkpoint?.manifest.base ? { adapters: await readAdapters(path, checkpoint.manifest.base.id) } : {}),
    ...(origin ? { origin } : {}),
  };
}

async function readAdapters(path: string, base: string): Promise<NonNullable<ModelDescription['adapters']>> {
  const lora = parseAdapterConfig(await readFile(join(path, ADAPTER_CONFIG)));
  const file = await openSafetensors(join(path, ADAPTERS));
  await file.close();
  const parameters = [...file.entries.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { base, ...lora, parameters };
}

function hasChatTemplate(companions: ReadonlyMap<string, Uint8Array>): boolean {
  if (companions.has('chat_template.jinja')) return true;
  const text = companions.get('tokenizer_config.json');
  const config = text ? (JSON.parse(Buffer.from(text).toString('utf8')) as { chat_template?: unknown }) : {};
  return Boolean(config.chat_template);
}

async function storageTypes(path: string): Promise<Record<string, number>> {
  const file = await openGguf(path);
  await file.close();
  const counts: Record<string, number> = {};
  for (const { type } of file.tensors.values()) counts[type.name] = (counts[type.name] ?? 0) + 1;
  return counts;
}

/** Lines for a person. */
export function describeModel(model: ModelDescription): string[] {
  const count = (value: number): string => value.toLocaleString('en-US');
  const { ropeScaling, origin, storage, adapters } = model;
  const scaling = ropeScaling ? `, ${ropeScaling.type} scaling by ${ropeScaling.factor}` : '';
  const rows: [string, string | undefined][] = [
    ['path', model.path],
    ['form', model.format],
    ['checkpoint', model.checkpointId],
    ['adapters', adapters && `${describeLora(adapters)}: ${count(adapters.parameters)} parameters`],
    ['lie on', adapters?.base],
    ['source', origin && [origin.source, origin.licence].filter(Boolean).join(', licence ')],
    ['family', model.family],
    [
      'parameters',
      `${count(model.parameters)} (${count(Math.ceil((4 * model.parameters) / 1e6))} MB as 32-bit floats)`,
    ],
    [
      'stored as',
      storage &&
        Object.entries(storage)
          .map(([type, tensors]) => `${tensors} ${type}`)
          .join(', '),
    ],
    ['shape', `${model.layers} layers, hidden ${model.hiddenSize}, feed-forward ${model.feedForwardSize}`],
    ['attention', `${model.heads} heads of ${model.headSize}, ${model.keyValueHeads} key-value heads`],
    ['positions', `${count(model.context)}, rotary base ${count(model.ropeTheta)}${scaling}`],
    [
      'vocabulary',
      `${count(model.vocabulary)}${model.tiedHead ? ', tied head' : ''}, ends with ${model.endTokens.join(', ') || 'no token'}`,
    ],
    ['chat template', model.chatTemplate ? 'yes' : 'no: asked in the plain form of base models'],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return [
    basename(model.path),
    ...rows.filter((row) => row[1] !== undefined).map(([label, value]) => `  ${label.padEnd(width)}  ${value}`),
  ];
}
