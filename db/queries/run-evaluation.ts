import type pg from 'pg';
import { countContaminations, readAverages, readComparisons, readScores } from './evaluation-scores.ts';
import type { AverageRow, ComparisonRow, ContaminationCount, ScoreRow } from './evaluation-scores.ts';

/** What a run's evaluations came to, held-out questions and named sets alike. */
export interface RunEvaluation {
  scores: ScoreRow[];
  /** Over the named sets. */
  averages: AverageRow[];
  comparisons: ComparisonRow[];
  contaminations: ContaminationCount[];
}

export async function readRunEvaluation(connection: pg.Pool | pg.PoolClient, runId: string): Promise<RunEvaluation> {
  return {
    scores: await readScores(connection, runId),
    averages: await readAverages(connection, runId),
    comparisons: await readComparisons(connection, runId),
    contaminations: await countContaminations(connection, runId),
  };
}
