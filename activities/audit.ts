import type { UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { grade, readingOf } from './method/answers/answer-equivalence.ts';
import { computeTruth } from './method/oracle.ts';
import { runUnit } from './unit.ts';
import { insertRows } from '../db/bulk.ts';
import { readLabelled } from '../db/queries/lineage.ts';
import type { DatasetRow } from '../db/queries/lineage.ts';
import { audits } from '../db/schema.ts';

type AuditRow = Omit<typeof audits.$inferInsert, 'runId' | 'iteration' | 'phase' | 'unit'>;

/** Name of the oracle in `audits`. */
export const COMPUTED = 'computed';
const ORACLE_VERSION = 1;

/** Compares every pseudo-label with computed truth, where the question is closed-form arithmetic. Never seen by training. */
export function auditLabels(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'audit', ref, async ({ run, place }) => {
    const labelled = await readLabelled(deps.database, run.runId, place.iteration);
    const rows = labelled.flatMap((question) => {
      const row = auditRow(question);
      return row ? [{ ...place, ...row }] : [];
    });
    const agreeing = rows.filter(({ agrees }) => agrees).length;
    return {
      usesModel: false,
      metrics: { labelled: labelled.length, audited: rows.length, agreeing },
      write: async (client) => {
        await insertRows(client, audits, rows);
      },
    };
  });
}

/** @returns undefined for a question that is no closed-form arithmetic */
export function auditRow({ questionId, question, label }: DatasetRow): AuditRow | undefined {
  const truth = computeTruth(question);
  if (!truth) return undefined;
  return {
    questionId,
    oracle: COMPUTED,
    oracleVersion: ORACLE_VERSION,
    label,
    truth: truth.value,
    agrees: grade(label, truth.value, 'default', readingOf(question)),
  };
}
