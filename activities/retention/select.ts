/** Which files of a run's checkpoints a retention policy gives up. Pure: rows in, decisions out. */
import type { PrunedPart, UpdateRef } from '../../db/queries/checkpoints.ts';

/**
 * What of the past is kept beside what the run needs to go on: the policies at the end of each iteration, of every n-th iteration,
 * or none.
 */
export type KeepPolicy = { kind: 'iterations' } | { kind: 'every'; iterations: number } | { kind: 'last' };

export interface RunLineage {
  base: string;
  updates: readonly UpdateRef[];
  /** Checkpoints of steps that were reset; some may be those of current steps as well. */
  superseded: readonly string[];
  /** The iteration that the run works at, or would when it is continued. */
  iteration: number;
  /** A workflow may be advancing it now. */
  advancing: boolean;
  /** Checkpoints that rows of other runs name. */
  shared: ReadonlySet<string>;
  /** Checkpoints that adapters lie on, which cannot be opened without them. */
  carrying: ReadonlySet<string>;
}

export interface Needed {
  weights: ReadonlySet<string>;
  /** Those of them whose moments are needed as well. */
  optimizer: ReadonlySet<string>;
}

const ROLES = ['challenger', 'solver'] as const;

/**
 * What must stay so that the run can go on. Only its newest policies and the starts of the iteration in work and later ones are ever
 * opened again, and a run moves forward only, so this stays true while the run is being advanced.
 */
export function neededToContinue(lineage: RunLineage): Needed {
  const { base, updates, iteration, advancing, shared, carrying } = lineage;
  const last = Math.max(iteration, ...updates.map((update) => update.iteration));
  const weights = new Set([base, ...shared, ...carrying]);
  const optimizer = new Set([base, ...shared, ...carrying]);
  for (const role of ROLES) {
    const newest = policyBefore(lineage, role, last + 1);
    weights.add(newest);
    optimizer.add(newest);
    // Both the reference of the KL term and what the other role meets.
    for (let start = iteration; start <= last; start++) weights.add(policyBefore(lineage, role, start));
  }
  if (advancing) {
    for (const { before, after, reference } of updates.filter((update) => update.iteration >= iteration)) {
      for (const id of [before, after, reference]) {
        weights.add(id);
        optimizer.add(id);
      }
    }
  }
  return { weights, optimizer };
}

/** By checkpoint id; checkpoints that stay whole are absent. */
export function selectPrunings(
  lineage: RunLineage,
  { keep, optimizerOnly }: { keep: KeepPolicy; optimizerOnly: boolean },
): Map<string, PrunedPart> {
  const needed = neededToContinue(lineage);
  const kept = new Set(needed.weights);
  for (const iteration of new Set(lineage.updates.map((update) => update.iteration))) {
    if (!keepsEndOf(keep, iteration)) continue;
    for (const role of ROLES) kept.add(policyBefore(lineage, role, iteration + 1));
  }
  const selected = new Map<string, PrunedPart>();
  for (const after of [...lineage.updates.map((update) => update.after), ...lineage.superseded]) {
    if (!optimizerOnly && !kept.has(after)) selected.set(after, 'weights');
    else if (!needed.optimizer.has(after)) selected.set(after, 'optimizer');
  }
  return selected;
}

/** What a role stands at when an iteration begins. */
function policyBefore({ base, updates }: RunLineage, role: UpdateRef['role'], iteration: number): string {
  let newest: UpdateRef | undefined;
  for (const update of updates) {
    if (update.role !== role || update.iteration >= iteration) continue;
    const isLater =
      !newest ||
      update.iteration > newest.iteration ||
      (update.iteration === newest.iteration && update.step > newest.step);
    if (isLater) newest = update;
  }
  return newest?.after ?? base;
}

function keepsEndOf(keep: KeepPolicy, iteration: number): boolean {
  if (keep.kind === 'every') return iteration % keep.iterations === 0;
  return keep.kind === 'iterations';
}

export function describePolicy(keep: KeepPolicy, optimizerOnly: boolean): string {
  if (optimizerOnly) return 'optimizer only';
  return keep.kind === 'every' ? `keep every:${keep.iterations}` : `keep ${keep.kind}`;
}
