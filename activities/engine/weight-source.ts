/**
 * Where the weights of a model come from when they are copied and not computed with: a few megabytes at a time, so that
 * a model larger than memory can be imported.
 */
export interface WeightSource {
  /** By Hugging Face name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Values of one tensor in row-major order. */
  pieces(name: string): AsyncIterable<Float32Array>;
  close(): Promise<void>;
}
