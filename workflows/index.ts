/**
 * The bundle entry: everything exported here runs in Temporal's workflow sandbox. A worker with workflows of its own
 * writes `export * from 'temporal-r-zero/workflows'` in its own entry.
 */
export { rZeroExperiment } from './experiment.ts';
export { rZeroIteration } from './iteration.ts';
export {
  cancelAfterPhaseUpdate,
  extendUpdate,
  iterationControlSignal,
  iterationReportSignal,
  pauseUpdate,
  resetToUpdate,
  resumeUpdate,
  runParkedSignal,
  statusQuery,
} from './messages.ts';
export type {
  CancelAfterPhaseRequest,
  ExperimentResult,
  ExtendRequest,
  IterationOutcome,
  NightResult,
  NightlyInput,
  PauseRequest,
  ResetToRequest,
  ResumeRequest,
  RunParked,
  RunResult,
  RunStatusView,
} from './messages.ts';
export { rZeroNightly } from './nightly.ts';
export { rZeroRun } from './run.ts';
