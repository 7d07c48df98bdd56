import type pg from 'pg';
import type { FrozenGatePolicy, FrozenPreset } from '../method/presets.ts';
import type { ModelProfile } from '../profile.ts';
import type { RunConfig } from '../run-input.ts';
import type { RecomputationRef } from '../../db/queries/recomputations.ts';
import type { RunRow } from '../../db/queries/runs.ts';

/** What every part of a recomputation needs. */
export interface RecomputeContext {
  client: pg.PoolClient;
  run: RunRow;
  config: RunConfig;
  preset: FrozenPreset;
  policy: FrozenGatePolicy;
  /** Questions of the run's evaluation set. */
  heldOut: readonly string[];
  /** As stored with the run. */
  profile: ModelProfile;
  questionPattern: RegExp | undefined;
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
