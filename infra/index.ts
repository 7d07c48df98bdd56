/** Entry point `temporal-r-zero`: R-Zero in a worker of your own, or a worker of ours in a process of yours. */
export { RZeroPlugin } from './plugin.ts';
export type { RZeroPluginOptions } from './plugin.ts';
export { runWorker } from './worker.ts';
export type { RunWorkerOptions, WorkerReady } from './worker.ts';
export type { TemporalTarget } from './temporal-connection.ts';
export { RZeroError } from '../activities/errors.ts';
export type { ErrorCode } from '../activities/errors.ts';
export type { RunInput, RunStatus, RZeroActivities } from '../activities/contract.ts';
export type { Engine } from '../activities/engine/types.ts';
export type { RunResult, RunStatusView } from '../workflows/messages.ts';
