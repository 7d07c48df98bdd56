/**
 * A program of several entry points over one set of variables, run by the native library: one call for one entry point,
 * through the stock binding's SavedModel functions. Variables live as long as the session.
 */
import { DTYPES } from './graph-def.ts';
import type { DType } from './graph-def.ts';

/** The part of tfjs-node's binding that runs saved models. Tensors are numbers, owned by whoever holds them. */
export interface SavedModelBinding {
  createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputs: readonly number[], inputNames: string, outputNames: string): NativeTensor[];
}

export interface NativeTensor {
  id: number;
  shape: number[];
  dtype: number;
}

export interface EntryPoint {
  inputs: readonly { name: string; dtype: DType }[];
  /** Names of node outputs, in the order in which `run` returns them. */
  outputs: readonly string[];
}

export type EntryPoints = Readonly<Record<string, EntryPoint>>;

/** Values to feed, or the number of a tensor that is in the native library already. */
export type Feed = number | { shape: readonly number[]; values: Float32Array | Int32Array };

export interface Session<Entries extends EntryPoints = EntryPoints> {
  /** Runs one entry point; the caller owns what comes out. */
  run(entry: keyof Entries, feeds: readonly Feed[]): NativeTensor[];
  /** The same, read back and freed. */
  fetch(entry: keyof Entries, feeds: readonly Feed[]): (Float32Array | Int32Array | Uint8Array)[];
  close(): void;
}

/** @param folder holds `saved_model.pb` */
export function openSession<Entries extends EntryPoints>(
  binding: SavedModelBinding,
  folder: string,
  entries: Entries,
): Session<Entries> {
  const model = binding.loadSavedModel(folder, 'serve');
  const calls = new Map(
    Object.entries(entries).map(([name, { inputs, outputs }]) => [
      name,
      {
        dtypes: inputs.map((input) => DTYPES[input.dtype]),
        inputs: inputs.map((input) => input.name).join(),
        outputs: outputs.join(),
      },
    ]),
  );
  const run = (entry: keyof Entries, feeds: readonly Feed[]): NativeTensor[] => {
    const call = calls.get(entry as string);
    if (!call) throw new RangeError(`there is no entry point ${String(entry)}`);
    if (feeds.length !== call.dtypes.length) {
      throw new RangeError(`${String(entry)} takes ${call.dtypes.length} tensors, not ${feeds.length}`);
    }
    const made: number[] = [];
    try {
      const ids = feeds.map((feed, index) => {
        if (typeof feed === 'number') return feed;
        const id = binding.createTensor(feed.shape, call.dtypes[index] as number, feed.values);
        made.push(id);
        return id;
      });
      return binding.runSavedModel(model, ids, call.inputs, call.outputs);
    } finally {
      for (const id of made) binding.deleteTensor(id);
    }
  };
  return {
    run,
    fetch: (entry, feeds) =>
      run(entry, feeds).map(({ id }) => {
        const values = binding.tensorDataSync(id);
        binding.deleteTensor(id);
        return values;
      }),
    close: () => binding.deleteSavedModel(model),
  };
}
