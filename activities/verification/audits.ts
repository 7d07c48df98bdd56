/** What oracles said of an iteration's labels: made again where code knows it, held against the stored labels and replies where not. */
import { auditRow } from '../audit.ts';
import type { AuditRow } from '../audit.ts';
import { CLOSED_FORMS, computed } from '../oracles/computed.ts';
import { knownAnswers } from '../oracles/known-answers.ts';
import type { Claim, Oracle } from '../oracles/oracle.ts';
import type { EvaluationSet } from '../../db/queries/evaluation-sets.ts';
import { auditsOf } from '../../db/queries/verification.ts';
import type { AuditRecord } from '../../db/queries/verification.ts';
import type { VerifiedAnchors } from './anchors.ts';
import { checkMetrics } from './context.ts';
import type { VerifyContext } from './context.ts';
import type { VerifiedDataset } from './dataset.ts';

interface Subject extends Claim {
  /** Columns that the row has beside those of its verdict. */
  columns: { questionId: number } | { anchorId: number; completionTokens: number };
}

/** @param anchorSet as stored with the run */
export async function verifyAudits(
  context: VerifyContext,
  iteration: number,
  { labelled, isWhole }: VerifiedDataset,
  anchors: VerifiedAnchors,
  anchorSet: EvaluationSet | undefined,
): Promise<void> {
  const { client, run, isFinished } = context;
  const records = await auditsOf(client, run.runId, iteration);
  const of = (name: string) => records.filter(({ oracle }) => oracle === name);
  if (!isFinished(iteration, 'audit', 0)) return;
  const place = { runId: run.runId, iteration, phase: 'audit' as const, unit: 0 };
  const questions = labelled.map(({ questionId, ...claim }): Subject => ({ ...claim, columns: { questionId } }));
  const found = verifyOracle(context, place, computed, questions, of(computed.name), isWhole);
  if (isWhole) {
    checkMetrics(context, place, { labelled: labelled.length, audited: found.length, agreeing: agreeing(found) });
  }
  if (!anchorSet) return;
  const subjects = anchors.labelled.map(({ anchorId, tokens, ...claim }): Subject => ({
    ...claim,
    columns: { anchorId, completionTokens: tokens },
  }));
  const known = knownAnswers(anchorSet.items);
  const compared = verifyOracle(context, place, known, subjects, of(known.name), anchors.isWhole);
  if (anchors.isWhole) {
    checkMetrics(context, place, { anchorsAudited: compared.length, anchorsAgreeing: agreeing(compared) });
  }
}

const agreeing = (rows: readonly AuditRow[]): number => rows.filter(({ agrees }) => agrees).length;

/** @param isWhole nothing is missing of what the oracle was asked about, so that a row too many can be told */
function verifyOracle(
  { findings }: VerifyContext,
  place: Record<string, unknown>,
  oracle: Oracle,
  subjects: readonly Subject[],
  records: readonly AuditRecord[],
  isWhole: boolean,
): AuditRow[] {
  const keyOf = (columns: { questionId?: number | null; anchorId?: number | null }) =>
    `${columns.questionId ?? ''}/${columns.anchorId ?? ''}`;
  const stored = new Map(records.map((record) => [keyOf(record), record]));
  // Iterations from before closed forms were evaluated have none of these rows.
  const knows = (row: AuditRow) =>
    row.oracleVersion < CLOSED_FORMS || records.some(({ oracleVersion }) => oracleVersion >= CLOSED_FORMS);
  const rows: AuditRow[] = [];
  for (const { columns, ...claim } of subjects) {
    findings.examine('audits');
    const expected = auditRow(oracle, claim);
    if (!expected || !knows(expected)) continue;
    rows.push(expected);
    const subject = 'questionId' in columns ? { question_id: columns.questionId } : { anchor_id: columns.anchorId };
    const row = { ...subject, oracle: oracle.name, oracle_version: expected.oracleVersion };
    const record = stored.get(keyOf(columns));
    if (!record) findings.missing('audits', 'audits', row);
    else findings.compare('audits', 'audits', row, record, { ...place, ...columns, ...expected });
    stored.delete(keyOf(columns));
  }
  if (isWhole) {
    for (const { auditId } of stored.values()) findings.unexpected('audits', 'audits', { audit_id: auditId });
  }
  return rows;
}
