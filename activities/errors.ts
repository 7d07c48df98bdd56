/**
 * Every failure this project raises on purpose. `code` is stable: logs, alarms and scripts may match on it; `fix` tells
 * the reader what to do. A leaf module: every folder may import it, it imports nothing.
 */
export type ErrorCode =
  // Bad input: repeating the call cannot help.
  | 'RunInputInvalid'
  | 'RunConflict'
  | 'RunNotFound'
  | 'RunParked'
  | 'ExperimentConflict'
  | 'ExperimentNotFound'
  | 'ScheduleConflict'
  | 'ScheduleNotFound'
  | 'ModelUnreadable'
  | 'TokenizerUnreadable'
  | 'DatasetUnreadable'
  | 'CheckpointCorrupt'
  | 'CheckpointMissing'
  | 'CheckpointPruned'
  | 'DatabaseBehind'
  | 'DatabaseNewer'
  | 'DatabaseNotMigrated'
  | 'TooFewQuestions'
  | 'ModelDiverged'
  | 'RunCancelled'
  | 'EngineRequestInvalid'
  | 'PresetInvalid'
  | 'PayloadUnreadable'
  | 'JudgeUnfit'
  | 'EmbeddingUnfit'
  // The machine: may pass by itself or after a hand's turn.
  | 'DatabaseUnreachable'
  | 'TemporalUnreachable'
  | 'EngineCrashed'
  | 'EngineOutOfMemory'
  | 'EngineCancelled'
  | 'EngineUnavailable'
  | 'JudgeUnavailable'
  | 'EmbeddingUnavailable'
  | 'DiskFull'
  | 'PortInUse'
  | 'StackBusy'
  | 'SetupFailed'
  | 'PythonMissing'
  | 'Internal';

/** Codes for which a second try with the same input cannot succeed; activities fail at once on them. */
export const NON_RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'RunInputInvalid',
  'RunConflict',
  'RunNotFound',
  'RunParked',
  'ExperimentConflict',
  'ExperimentNotFound',
  'ScheduleConflict',
  'ScheduleNotFound',
  'ModelUnreadable',
  'TokenizerUnreadable',
  'DatasetUnreadable',
  'CheckpointCorrupt',
  'CheckpointMissing',
  'CheckpointPruned',
  'DatabaseBehind',
  'DatabaseNewer',
  'DatabaseNotMigrated',
  'TooFewQuestions',
  'ModelDiverged',
  'RunCancelled',
  'EngineRequestInvalid',
  'PresetInvalid',
  'PayloadUnreadable',
  'JudgeUnfit',
  'EmbeddingUnfit',
]);

export interface RZeroErrorOptions {
  /** One sentence in the imperative: what the reader can do about it. */
  fix?: string;
  /** The input field at fault, as the user wrote it, e.g. `solver.learningRate`. */
  field?: string;
  cause?: unknown;
}

export class RZeroError extends Error {
  override readonly name = 'RZeroError';
  readonly code: ErrorCode;
  readonly fix: string | undefined;
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, options: RZeroErrorOptions = {}) {
    super(
      options.fix ? `${message} ${options.fix}` : message,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.code = code;
    this.fix = options.fix;
    this.field = options.field;
  }

  get retryable(): boolean {
    return !NON_RETRYABLE.has(this.code);
  }
}
