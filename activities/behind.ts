/** A database that knows less than the workflow that asks: it was restored from an older copy, or the run was reset by another program. */
import type { IterationRef, Phase } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { RZeroError } from './errors.ts';
import { readPhases } from '../db/queries/units.ts';

/** What a workflow knows to be done is not there. */
export function behind(what: string): RZeroError {
  return new RZeroError(
    'DatabaseBehind',
    `${what} is not in the database any more: it was restored from an older copy, or the run was reset meanwhile.`,
    { fix: 'The run goes on by itself from the last point that is whole; if it does not, start it again.' },
  );
}

/**
 * For what sums an iteration up, or a phase of it.
 *
 * @param phase all of the iteration's when left out
 * @throws RZeroError `DatabaseBehind` when a unit of it is missing
 */
export async function refuseUnlessWhole(
  { database }: Pick<ActivityDependencies, 'database'>,
  { runId, iteration }: Pick<IterationRef, 'runId' | 'iteration'>,
  phase?: Phase,
): Promise<void> {
  const planned = await readPhases(database, runId, iteration);
  const asked = phase === undefined ? planned : planned.filter((each) => each.phase === phase);
  if (asked.length > 0 && asked.every(({ units, nextUnit }) => nextUnit >= units)) return;
  throw behind(`Work of iteration ${iteration}`);
}
