/** The engine: language models as leases that are sampled, scored, trained and checkpointed. */
export { createTfjsEngine } from './client.ts';
export type { TfjsEngineOptions } from './client.ts';
export type { ChildEvent } from './child.ts';
export { createLocalEngine } from './local.ts';
export type { LocalEngineOptions } from './local.ts';
export { loadTokenizer } from './tokenizer.ts';
export type { Tokenizer } from './tokenizer.ts';
export { readCheckpointManifest, verifyCheckpoint } from './checkpoint.ts';
export type { CheckpointManifest } from './checkpoint-manifest.ts';
export type { LoraConfig, LoraOptions, TargetModule } from './lora.ts';
export type * from './types.ts';
