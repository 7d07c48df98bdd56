/** Activities of `rZeroExperiment`. The runs themselves are started by the workflow, as its children. */
import type { ExperimentCell, ExperimentInput, ExperimentPlan, ExperimentRun } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { RZeroError } from './errors.ts';
import { DEFAULT_ITERATIONS, resolveExperiment } from './experiment-input.ts';
import { transaction } from '../db/client.ts';
import {
  addExperimentRuns,
  countExperimentRuns,
  findExperimentRun,
  lockExperiment,
} from '../db/queries/experiments.ts';
import type { CellConflict } from '../db/queries/experiments.ts';

/**
 * Adds what the experiment does not have yet, all or nothing. Repeating it changes nothing.
 *
 * @throws RZeroError `RunInputInvalid`; `ExperimentConflict` when a setting is known with another input, or a run id is taken
 */
export async function openExperiment(
  { database }: ActivityDependencies,
  input: ExperimentInput,
): Promise<ExperimentPlan> {
  return transaction(database, async (client) => {
    const { experimentId } = input;
    if (typeof experimentId === 'string') await lockExperiment(client, experimentId);
    const known = typeof experimentId === 'string' ? await countExperimentRuns(client, experimentId) : 0;
    const resolved = resolveExperiment(input, known > 0);
    const { iterations = DEFAULT_ITERATIONS, concurrency, cells } = resolved;
    const conflict = await addExperimentRuns(client, { experimentId: resolved.experimentId, iterations, cells });
    if (conflict !== undefined) throw refused(resolved.experimentId, conflict);
    const runs = await countExperimentRuns(client, resolved.experimentId);
    return { experimentId: resolved.experimentId, runs, concurrency };
  });
}

function refused(experimentId: string, { setting, about }: CellConflict): RZeroError {
  const field = `settings.${setting}`;
  return about === 'input'
    ? new RZeroError(
        'ExperimentConflict',
        `Experiment "${experimentId}" has setting "${setting}" with another input already.`,
        { field, fix: 'Give the changed setting another name, or the experiment another id.' },
      )
    : new RZeroError(
        'ExperimentConflict',
        `The runs of setting "${setting}" of experiment "${experimentId}" would have the names of another experiment's.`,
        { field, fix: 'Give the setting or the experiment another name.' },
      );
}

/** @throws RZeroError `ExperimentNotFound` */
export async function readExperimentRun(
  { database }: ActivityDependencies,
  { experimentId, position, iterations }: ExperimentCell,
): Promise<ExperimentRun> {
  const found = await findExperimentRun(database, experimentId, position);
  if (!found) {
    throw new RZeroError('ExperimentNotFound', `Experiment "${experimentId}" has no run ${position}.`, {
      field: 'position',
      fix: 'List what there is with `npx r-zero experiment list`.',
    });
  }
  const { setting, seed, runId, input } = found;
  return { setting, seed, input: { ...input, runId, seed, iterations: iterations ?? found.iterations } };
}
