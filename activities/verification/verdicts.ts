/** What judges and people said of an iteration's labels, against the labels, the replies and the definitions that are stored. */
import { hashAnnotator } from '../oracles/human.ts';
import { MOST_REPLY, hashDefinition } from '../oracles/judge.ts';
import type { JudgeDefinition } from '../oracles/judge.ts';
import { promptHash, readReply } from '../oracles/judge-prompt.ts';
import { grade, readingOf } from '../method/answers/answer-equivalence.ts';
import { oraclesOf, verdictsOf } from '../../db/queries/verification.ts';
import type { AuditRecord, OracleRecord } from '../../db/queries/verification.ts';
import type { VerifyContext } from './context.ts';
import type { LabelledQuestion, VerifiedDataset } from './dataset.ts';

/** @returns the run's judges and people, by id */
export async function verifyOracles({ client, findings, run }: VerifyContext): Promise<Map<number, OracleRecord>> {
  const records = await oraclesOf(client, run.runId);
  for (const record of records) {
    const { oracleId, kind, oracle, definition } = record;
    const row = { oracle_id: oracleId };
    if (kind === 'human') {
      const { annotator } = definition as { annotator: string };
      const expected = { oracle: `human:${annotator}`, definitionHash: hashAnnotator(annotator) };
      findings.compare('audits', 'oracles', row, record, expected);
      continue;
    }
    const judge = definition as JudgeDefinition;
    findings.compare(
      'audits',
      'oracles',
      row,
      { oracle, promptHash: judge.promptHash },
      {
        oracle: `judge:${judge.model}`,
        promptHash: promptHash(judge.prompt),
      },
    );
    findings.compare('audits', 'oracles', row, record, { definitionHash: hashDefinition(judge) });
  }
  return new Map(records.map((record) => [record.oracleId, record]));
}

export async function verifyVerdicts(
  { client, findings, run }: VerifyContext,
  iteration: number,
  oracles: ReadonlyMap<number, OracleRecord>,
  { labelled, isWhole }: VerifiedDataset,
): Promise<void> {
  const questions = new Map(labelled.map((question) => [question.questionId, question]));
  for (const record of await verdictsOf(client, run.runId, iteration)) {
    // One whose oracle is missing is told of as a reference that leads nowhere.
    const oracle = record.oracleId === null ? undefined : oracles.get(record.oracleId);
    if (!oracle) continue;
    const row = { audit_id: record.auditId };
    const question = questions.get(record.questionId ?? 0);
    if (!question) {
      if (isWhole) findings.unexpected('audits', 'audits', row);
      continue;
    }
    findings.compare('audits', 'audits', row, record, {
      phase: 'audit',
      oracle: oracle.oracle,
      oracleVersion: oracle.version,
      label: question.label,
      ...said(oracle, record, question),
    });
  }
}

/** What follows from the reply of a judge, or from the right answer that a person gave. */
function said(
  { kind, definition }: OracleRecord,
  { reply, truth }: AuditRecord,
  { question, label }: LabelledQuestion,
): { truth?: string | null; agrees?: boolean | null } {
  if (kind === 'human') return truth === null ? {} : { agrees: grade(label, truth, 'default', readingOf(question)) };
  if (reply === null || reply.length >= MOST_REPLY) return {};
  return readReply((definition as JudgeDefinition).prompt, { question, label }, reply);
}
