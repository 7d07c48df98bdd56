import type pg from 'pg';
import { deriveSeed } from '../method/seeds.ts';
import type { RunConfig } from '../run-input.ts';
import { withSettings } from '../recompute/method.ts';
import type { MethodContext } from '../recompute/method.ts';
import type { Tokenizer } from '../engine/tokenizer.ts';
import type { Role } from '../contract.ts';
import type { Place } from '../../db/queries/units.ts';
import type { UpdateRecord } from '../../db/queries/verification.ts';
import type { Findings, RowId } from './findings.ts';

/** What every part of an audit needs. */
export interface VerifyContext extends MethodContext {
  /** Reads one snapshot of the database. */
  client: pg.PoolClient;
  findings: Findings;
  /** The base model's; undefined when it is not on this machine, and then texts are not held against their tokens. */
  tokenizer: Tokenizer | undefined;
  /** That the model reads, prompt included. */
  maxPositions: number;
  /** What a phase was done with, or one of its units. */
  settingsOf: (iteration: number, phase: Place['phase'], unit?: number) => RunConfig;
  updates: readonly UpdateRecord[];
  /** Finished units of the run: `isFinished(iteration, phase, unit)`. */
  isFinished: (iteration: number, phase: Place['phase'], unit: number) => boolean;
  /** What a unit's row says it has done. */
  metricsOf: (place: Place) => Readonly<Record<string, number>>;
  onProgress: (done: string) => void;
  signal: AbortSignal | undefined;
}

/** The context with the settings that a phase was done with. */
export function contextAt(context: VerifyContext, iteration: number, phase: Place['phase']): VerifyContext {
  return withSettings(context, context.settingsOf(iteration, phase));
}

/** Most tokens of a prompt that leave the Solver room to answer. */
export function promptRoomOf({ maxPositions, config }: VerifyContext): number {
  return maxPositions - config.solver.maxTokens;
}

/**
 * The checkpoint that a role stood at just before a step, by the rows of its updates. Where the row before is missing it is what the
 * step itself says; undefined when it says nothing either.
 */
export function policyBefore(
  { run, settingsOf, updates }: VerifyContext,
  role: Role,
  iteration: number,
  step: number,
): string | undefined {
  const own = updates.filter((update) => update.role === role);
  const before = own.filter(
    (update) => update.iteration < iteration || (update.iteration === iteration && update.unit < step),
  );
  const last = before.at(-1);
  const isNext =
    last && (last.iteration === iteration ? last.unit === step - 1 : step === 0 && isLastStep(settingsOf, last));
  if (isNext) return last.checkpointAfter;
  if (!last && step === 0) return run.baseCheckpointId;
  return own.find((update) => update.iteration === iteration && update.unit === step)?.checkpointBefore;
}

/** The update with which an iteration's training of its role ends. */
export function isLastStep(
  settingsOf: VerifyContext['settingsOf'],
  { role, iteration, phase, unit }: Pick<UpdateRecord, 'role' | 'iteration' | 'phase' | 'unit'>,
): boolean {
  return unit === settingsOf(iteration, phase as Place['phase'])[role as Role].steps - 1;
}

/** For a row's `checkpoint_id`; nothing to compare it with where it is not known. */
export const checkpointColumn = (policy: string | undefined): { checkpointId?: string } =>
  policy === undefined ? {} : { checkpointId: policy };

export function seedOf(
  { run }: VerifyContext,
  place: Place,
  sample: { item: number; sample: number; stream: string },
): string {
  return deriveSeed({ runSeed: run.seed, ...place, ...sample });
}

/** Compares what a unit's row counts with what there should be of it; counts that it does not have are from an older version. */
export function checkMetrics(
  { findings, metricsOf }: VerifyContext,
  place: Place,
  expected: Readonly<Record<string, number>>,
): void {
  const stored = metricsOf(place);
  for (const [name, wanted] of Object.entries(expected)) {
    if (stored[name] === undefined) continue;
    findings.compare(
      'plan',
      'units',
      unitId(place),
      { [`metrics.${name}`]: stored[name] },
      { [`metrics.${name}`]: wanted },
    );
  }
}

export const unitId = ({ iteration, phase, unit }: Omit<Place, 'runId'>): RowId => ({ iteration, phase, unit });
