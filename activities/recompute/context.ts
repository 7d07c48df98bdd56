import type pg from 'pg';
import type { RecomputationRef } from '../../db/queries/recomputations.ts';
import type { MethodContext } from './method.ts';

/** What every part of a recomputation needs. */
export interface RecomputeContext extends MethodContext {
  client: pg.PoolClient;
  /** What the new rows refer to. */
  ref: RecomputationRef;
  /** Counts completions that only this preset takes for questions, and that therefore have no answers. */
  unasked: number;
  /** Called after each unit, with what was done. */
  onProgress: (done: string) => void;
  signal: AbortSignal | undefined;
}

/** Marks a row as this recomputation's. */
export function stamp({ ref }: RecomputeContext): { version: number; recomputationId: number } {
  return { version: ref.version, recomputationId: ref.recomputationId };
}
