/** Tensors of a GGUF file under their Hugging Face names and in their row order. */
import type { ModelConfig } from '../config.ts';
import type { Family } from '../families/index.ts';
import type { WeightSource } from '../weight-source.ts';
import { ROPE_FACTORS } from './config.ts';
import { GgufError } from './error.ts';
import type { GgufFile } from './file.ts';
import type { GgufTensor } from './header.ts';

const WHOLE: Readonly<Record<string, string>> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
};

const IN_LAYER: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

/** Values decoded at a time, at least a row: 4 MB of floats. */
const PIECE = 2 ** 20;

function huggingFaceName(name: string): string | undefined {
  const [, layer, part, kind] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name) ?? [];
  if (part === undefined) return WHOLE[name];
  const inLayer = Object.hasOwn(IN_LAYER, part) ? IN_LAYER[part] : undefined;
  return inLayer && `model.layers.${layer}.${inLayer}.${kind}`;
}

/** @throws GgufError for a tensor that no such model has. */
export function ggufWeights(file: GgufFile, config: ModelConfig, family: Family): WeightSource {
  const tensors = new Map<string, GgufTensor>();
  for (const tensor of file.tensors.values()) {
    if (tensor.name === ROPE_FACTORS) continue;
    const name = huggingFaceName(tensor.name);
    if (!name) throw new GgufError(`has tensor ${JSON.stringify(tensor.name)}, which no ${family.name} model has`);
    tensors.set(name, tensor);
  }
  return {
    shapes: new Map([...tensors].map(([name, { shape }]) => [name, shape])),
    pieces: (name) => pieces(file, tensors.get(name) as GgufTensor, rowsInPairs(name, config, family)),
    close: () => file.close(),
  };
}

/** Rows of a head when they lie in another order than Hugging Face's. */
function rowsInPairs(name: string, { headDim }: ModelConfig, family: Family): number | undefined {
  return family.neighbouringPairsInGguf && /\.[qk]_proj\.weight$/.test(name) ? headDim : undefined;
}

/**
 * A head at a time where rows change places: pair i is rows 2 i and 2 i + 1 in the file, and rows i and i + dh/2 in the
 * model.
 */
async function* pieces(file: GgufFile, tensor: GgufTensor, headRows: number | undefined): AsyncGenerator<Float32Array> {
  const columns = tensor.shape.at(-1) as number;
  const rows = tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const step = headRows ?? Math.max(1, Math.floor(PIECE / columns));
  const half = step / 2;
  const order = headRows && ((row: number) => (row < half ? 2 * row : 2 * (row - half) + 1));
  for (let row = 0; row < rows; row += step) {
    yield await file.readRows(tensor, row, Math.min(step, rows - row), order || undefined);
  }
}
