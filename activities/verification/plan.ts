/** What was planned of a run against what is there: units, their attempts, and references between rows. */
import { byPhase } from '../phases.ts';
import type { Phase } from '../contract.ts';
import { danglingReferences, phasesOf, unitsWithoutAttempt } from '../../db/queries/verification.ts';
import type { UnitRecord } from '../../db/queries/verification.ts';
import type { VerifyContext } from './context.ts';
import { textOf } from './findings.ts';

export interface Progress {
  /** Planned, of the iterations that were begun. */
  planned: number;
  finished: number;
}

export async function verifyPlan(context: VerifyContext, units: readonly UnitRecord[]): Promise<Progress> {
  const { client, findings, run } = context;
  const phases = await phasesOf(client, run.runId);
  phases.sort((a, b) => a.iteration - b.iteration || byPhase(a as { phase: Phase }, b as { phase: Phase }));
  const latest = Math.max(0, ...units.map(({ iteration }) => iteration));
  const isOver = run.status === 'completed';
  const finished = new Set(units.map(({ iteration, phase, unit }) => `${iteration}/${phase}/${unit}`));
  const planned = new Map<string, number>();
  for (const { iteration, phase, units: count } of phases) {
    planned.set(`${iteration}/${phase}`, count);
    // Work of an iteration that is still going on may be missing anywhere.
    if (!isOver && iteration >= latest) continue;
    for (let unit = 0; unit < count; unit++) {
      findings.examine('plan');
      if (finished.has(`${iteration}/${phase}/${unit}`)) continue;
      findings.missing('plan', 'units', { run_id: run.runId, iteration, phase, unit });
    }
  }
  for (const { iteration, phase, unit } of units) {
    const count = planned.get(`${iteration}/${phase}`);
    // A phase without a row shows as a reference that leads nowhere.
    if (count !== undefined && unit >= count) {
      findings.unexpected('plan', 'units', { run_id: run.runId, iteration, phase, unit });
    }
  }
  for (let iteration = 1; iteration <= run.iterations; iteration++) {
    if (!isOver || planned.has(`${iteration}/gating`)) continue;
    findings.missing('plan', 'phases', { run_id: run.runId, iteration });
  }
  for (const place of await unitsWithoutAttempt(client, run.runId)) {
    findings.report({
      check: 'plan',
      table: 'attempts',
      row: place,
      problem: 'missing',
      expected: 'a finished attempt',
    });
  }
  return { planned: [...planned.values()].reduce((sum, count) => sum + count, 0), finished: units.length };
}

export async function verifyReferences({ client, findings, run }: VerifyContext): Promise<void> {
  findings.examine('references');
  for await (const { table, row, columns, refersTo, value } of danglingReferences(client, run.runId)) {
    findings.report({
      check: 'references',
      table,
      row,
      problem: 'differs',
      column: columns.join(', '),
      expected: `a row of ${refersTo}`,
      actual: textOf(value.length === 1 ? value[0] : value),
    });
  }
}
