/** What a unit's calls of the engine computed to generate, and how much of it in vain: numbers for its row. */
import type { CallOptions, EngineProgress, GenerationWork } from './engine/types.ts';

export interface WorkMeter {
  onProgress: NonNullable<CallOptions['onProgress']>;
  /** Of all calls that have ended; nothing when none has generated. */
  read(): Record<string, number>;
}

export function meterWork(onProgress: (report: EngineProgress) => unknown): WorkMeter {
  const ended: GenerationWork[] = [];
  return {
    onProgress: (report) => {
      if (report.work && report.done === report.total) ended.push(report.work);
      onProgress(report);
    },
    read: () => {
      if (ended.length === 0) return {};
      const total = (field: keyof GenerationWork): number => ended.reduce((sum, work) => sum + work[field], 0);
      return {
        decodedRows: total('rowSteps'),
        idleRows: total('idleRowSteps'),
        promptTokens: total('promptTokens'),
        promptPaddingTokens: total('paddingTokens'),
        sharedPromptTokens: total('sharedTokens'),
      };
    },
  };
}
