/** Numbers of a run for Prometheus or OTLP, through Temporal's own meter: nothing is counted again while a history is replayed. */
import { metricMeter } from '@temporalio/workflow';
import type { BudgetState, IterationSummary, RunStatus } from '../activities/contract.ts';

const changes = metricMeter.createCounter(
  'r_zero_run_status_changes_total',
  undefined,
  'How often a run came to a status',
);
const finished = metricMeter.createCounter(
  'r_zero_iterations_finished_total',
  undefined,
  'Iterations ended, number 0 included',
);
const accuracy = metricMeter.createGauge(
  'r_zero_label_accuracy',
  'float',
  undefined,
  'Share of kept labels that are true, of those that could be compared, in the last iteration',
);

const iterationAtWork = metricMeter.createGauge('r_zero_iteration', 'int', undefined, 'Iteration at work');
const budgetLeft = metricMeter.createGauge(
  'r_zero_budget_left',
  'float',
  undefined,
  'What this start of the run may still spend',
);

export function countStatus(run: string, status: RunStatus): void {
  changes.add(1, { run, status });
}

export function countIteration({ runId, metrics }: IterationSummary): void {
  finished.add(1, { run: runId });
  const share = metrics['label_accuracy'];
  if (share !== undefined) accuracy.set(share, { run: runId });
}

export function showIteration(run: string, iteration: number): void {
  iterationAtWork.set(iteration, { run });
}

export function showBudget(run: string, { limits, spent }: BudgetState): void {
  for (const [limit, used] of Object.entries(spent)) {
    const most = limits[limit as keyof typeof spent];
    if (most !== undefined) budgetLeft.set(Math.max(0, most - used), { run, limit });
  }
}
