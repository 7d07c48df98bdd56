/** Entry point `temporal-r-zero/client`: starting, steering and listing runs from a program, without a worker. */
export {
  cancelRun,
  cancelRunAfterPhase,
  connect,
  extendRun,
  getRun,
  listRuns,
  pauseRun,
  resumeRun,
  startRun,
  workflowIdOf,
} from './client.ts';
export type { ConnectedClient, ListOptions, RunInfo, RunListItem, StartedRun, StartOptions } from './client.ts';
export type { TemporalTarget } from './temporal-connection.ts';
export { RZeroError } from '../activities/errors.ts';
export type { ErrorCode } from '../activities/errors.ts';
export type { RunInput, RunStatus } from '../activities/contract.ts';
export type {
  CancelAfterPhaseRequest,
  ExtendRequest,
  PauseRequest,
  ResumeRequest,
  RunResult,
  RunStatusView,
} from '../workflows/messages.ts';
