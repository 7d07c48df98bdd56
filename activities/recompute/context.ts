import type pg from 'pg';
import type { FinishedUnit, RecomputationRef } from '../../db/queries/recomputations.ts';
import type { RunConfig } from '../run-input.ts';
import { withSettings } from './method.ts';
import type { MethodContext } from './method.ts';

/** What every part of a recomputation needs. */
export interface RecomputeContext extends MethodContext {
  client: pg.PoolClient;
  /** The run's settings by version. */
  configs: ReadonlyMap<number, unknown>;
  /** What the new rows refer to. */
  ref: RecomputationRef;
  /** Counts completions that only this preset takes for questions, and that therefore have no answers. */
  unasked: number;
  /** Called after each unit, with what was done. */
  onProgress: (done: string) => void;
  signal: AbortSignal | undefined;
}

/** The method with the settings that a unit worked with. */
export function methodOf(
  context: RecomputeContext,
  { inputVersion }: Pick<FinishedUnit, 'inputVersion'>,
): MethodContext {
  return withSettings<MethodContext>(context, (context.configs.get(inputVersion) ?? context.config) as RunConfig);
}

/** Marks a row as this recomputation's. */
export function stamp({ ref }: RecomputeContext): { version: number; recomputationId: number } {
  return { version: ref.version, recomputationId: ref.recomputationId };
}
