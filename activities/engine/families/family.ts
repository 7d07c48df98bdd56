/** What tells one family of decoders from another. Everything not said here they share (activities/engine/model.ts). */
export interface Family {
  /** `model_type` in config.json, `general.architecture` in GGUF. */
  readonly name: string;
  /** The class in `transformers`, as config.json's `architectures` names it. */
  readonly architecture: string;
  /** Queries, keys and values are projected with a bias. */
  readonly qkvBias: boolean;
  /** Queries and keys are normed head by head before the rotary embedding. */
  readonly qkNorm: boolean;
  /** Size of a head when config.json does not say it; hidden size over heads when omitted. */
  readonly defaultHeadDim?: number;
  /** Switches of config.json, each with the one value that the model implements. */
  readonly fixed: Readonly<Record<string, boolean>>;
  /** llama.cpp's converter stores the rows of q and k so that rotary pairs are neighbours. */
  readonly neighbouringPairsInGguf: boolean;
}
