import type { UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { computed } from './oracles/computed.ts';
import { knownAnswers } from './oracles/known-answers.ts';
import type { Claim, Oracle, Verdict } from './oracles/oracle.ts';
import { runUnit } from './unit.ts';
import { insertRows } from '../db/bulk.ts';
import { readQuestionSet } from '../db/queries/evaluation-sets.ts';
import { readLabelled } from '../db/queries/lineage.ts';
import { readAnchors } from '../db/queries/oracles.ts';
import { audits } from '../db/schema.ts';

export type AuditRow = Pick<typeof audits.$inferInsert, 'oracle' | 'oracleVersion' | 'label' | 'truth' | 'agrees'>;

/**
 * Compares every pseudo-label with computed truth, where the question is a closed form, and the labels of anchors with their known
 * answers. Never seen by training.
 */
export function auditLabels(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'audit', ref, async ({ run, place }) => {
    const labelled = await readLabelled(deps.database, run.runId, place.iteration);
    const rows = labelled.flatMap(({ questionId, ...claim }) => {
      const row = auditRow(computed, claim);
      return row ? [{ ...place, questionId, ...row }] : [];
    });
    const set = await readQuestionSet(deps.database, run.anchorHash);
    const anchors = set ? await readAnchors(deps.database, run.runId, place.iteration) : [];
    const known = knownAnswers(set?.items ?? []);
    const anchorRows = anchors.flatMap(({ anchorId, tokens, question, label }) => {
      const row = label === null ? undefined : auditRow(known, { question, label });
      return row ? [{ ...place, anchorId, ...row, completionTokens: tokens }] : [];
    });
    const agreeing = (of: readonly AuditRow[]) => of.filter(({ agrees }) => agrees).length;
    return {
      usesModel: false,
      metrics: {
        labelled: labelled.length,
        audited: rows.length,
        agreeing: agreeing(rows),
        ...(set
          ? { anchors: anchors.length, anchorsAudited: anchorRows.length, anchorsAgreeing: agreeing(anchorRows) }
          : {}),
      },
      write: async (client) => {
        await insertRows(client, audits, rows);
        await insertRows(client, audits, anchorRows);
      },
    };
  });
}

/** What an oracle says of a label, as a row; undefined when it does not cover the question. */
export function auditRow(oracle: Oracle, claim: Claim): AuditRow | undefined {
  const verdict = oracle.ask(claim);
  return verdict && verdictRow(oracle.name, claim.label, verdict);
}

export function verdictRow(oracle: string, label: string, { version, truth, agrees }: Verdict): AuditRow {
  return { oracle, oracleVersion: version, label, truth, agrees };
}
