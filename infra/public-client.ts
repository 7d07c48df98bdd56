/** Entry point `temporal-r-zero/client`: starting, steering and listing runs from a program, without a worker. */
export {
  cancelRun,
  cancelRunAfterPhase,
  connect,
  extendRun,
  getRun,
  listRuns,
  pauseRun,
  resetRunTo,
  resumeRun,
  startRun,
  workflowIdOf,
} from './client.ts';
export { startExperiment } from './experiments.ts';
export type { ExperimentStartOptions, StartedExperiment } from './experiments.ts';
export type {
  ConnectOptions,
  ConnectedClient,
  ListOptions,
  RunInfo,
  RunListItem,
  StartedRun,
  StartOptions,
} from './client.ts';
export {
  backfillSchedule,
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  pauseSchedule,
  triggerSchedule,
  unpauseSchedule,
} from './schedules.ts';
export type { NightlySchedule, ScheduleDetails, ScheduleItem, ScheduleTimes } from './schedules.ts';
export { encryptedDataConverter } from './codec/encryption.ts';
export type { TemporalTarget } from './temporal-connection.ts';
export { RZeroError } from '../activities/errors.ts';
export type { ErrorCode } from '../activities/errors.ts';
export type { Budget, BudgetState, ExperimentInput, RunInput, RunStatus } from '../activities/contract.ts';
export type {
  CancelAfterPhaseRequest,
  ExperimentResult,
  ExtendRequest,
  NightResult,
  NightlyInput,
  PauseRequest,
  ResetToRequest,
  ResumeRequest,
  RunResult,
  RunStatusView,
} from '../workflows/messages.ts';
