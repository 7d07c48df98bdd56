import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADAPTER_CONFIG, parseAdapterConfig } from './adapter-config.ts';
import { factorName, moduleOf } from './adapters.ts';
import { ADAPTERS } from './checkpoint-manifest.ts';
import { loraScale } from './lora.ts';
import { openSafetensors } from './safetensors.ts';
import type { WeightSource } from './weight-source.ts';

/**
 * Weights W + (alpha / r) B A of the adapters in a folder and what they lie on, added in double precision, a few megabytes
 * at a time. Closing it closes `base`, which is closed as well when the adapters cannot be read.
 *
 * @throws RZeroError `ModelUnreadable`
 */
export async function mergedWeights(folder: string, base: WeightSource): Promise<WeightSource> {
  try {
    const lora = parseAdapterConfig(await readFile(join(folder, ADAPTER_CONFIG)));
    const adapters = await openSafetensors(join(folder, ADAPTERS));
    return {
      shapes: base.shapes,
      pieces: async function* (name) {
        const shape = base.shapes.get(name) as readonly number[];
        const stored = { name, shape };
        const module = moduleOf(stored);
        if (!module || !lora.targetModules.includes(module)) {
          yield* base.pieces(name);
          return;
        }
        const factors = {
          a: await adapters.read(factorName(stored, 'A')),
          b: await adapters.read(factorName(stored, 'B')),
          columns: shape[1] as number,
          r: lora.r,
          scale: loraScale(lora),
        };
        let from = 0;
        for await (const piece of base.pieces(name)) {
          yield withProduct(piece, from, factors);
          from += piece.length;
        }
      },
      close: async () => void (await Promise.all([base.close(), adapters.close()])),
    };
  } catch (error) {
    await base.close();
    throw error;
  }
}

interface Factors {
  /** [r, columns] */
  a: Float32Array;
  /** [rows, r] */
  b: Float32Array;
  columns: number;
  r: number;
  scale: number;
}

/** @param from index of the piece's first value in the matrix */
function withProduct(piece: Float32Array, from: number, { a, b, columns, r, scale }: Factors): Float32Array {
  const merged = new Float32Array(piece.length);
  const sum = new Float64Array(columns);
  for (let row = Math.floor(from / columns); row * columns < from + piece.length; row++) {
    sum.fill(0);
    for (let k = 0; k < r; k++) {
      const factor = scale * (b[row * r + k] as number);
      for (let column = 0; column < columns; column++) {
        sum[column] = (sum[column] as number) + factor * (a[k * columns + column] as number);
      }
    }
    // A piece may begin and end within a row.
    const [first, end] = [Math.max(row * columns, from), Math.min((row + 1) * columns, from + piece.length)];
    for (let index = first; index < end; index++) {
      merged[index - from] = (piece[index - from] as number) + (sum[index - row * columns] as number);
    }
  }
  return merged;
}
