/**
 * Numbers of a run for Prometheus or OTLP, through Temporal's own meter: nothing is counted again while a history is replayed.
 * Instruments are made where they are used, because the meter exists inside a workflow only, and this module is imported outside, too.
 */
import { metricMeter } from '@temporalio/workflow';
import type { BudgetState, IterationSummary, RunStatus } from '../activities/contract.ts';

export function countStatus(run: string, status: RunStatus): void {
  metricMeter
    .createCounter('r_zero_run_status_changes_total', undefined, 'How often a run came to a status')
    .add(1, { run, status });
}

export function countIteration({ runId, metrics }: IterationSummary): void {
  metricMeter
    .createCounter('r_zero_iterations_finished_total', undefined, 'Iterations ended, number 0 included')
    .add(1, { run: runId });
  const share = metrics['label_accuracy'];
  if (share === undefined) return;
  metricMeter
    .createGauge(
      'r_zero_label_accuracy',
      'float',
      undefined,
      'Share of kept labels that are true, of those that could be compared, in the last iteration',
    )
    .set(share, { run: runId });
}

export function showIteration(run: string, iteration: number): void {
  metricMeter.createGauge('r_zero_iteration', 'int', undefined, 'Iteration at work').set(iteration, { run });
}

export function showBudget(run: string, { limits, spent }: BudgetState): void {
  const left = metricMeter.createGauge(
    'r_zero_budget_left',
    'float',
    undefined,
    'What this start of the run may still spend',
  );
  for (const [limit, used] of Object.entries(spent)) {
    const most = limits[limit as keyof typeof spent];
    if (most !== undefined) left.set(Math.max(0, most - used), { run, limit });
  }
}
