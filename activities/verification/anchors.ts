/** Anchors of the labelling shards, their answers and votes, against the run's set of them. */
import { anchorsOf } from '../oracles/anchor-set.ts';
import { shardsOf } from '../oracles/anchors.ts';
import { extractAnswer } from '../method/voting.ts';
import { storedAnswer, voteOn } from '../recompute/method.ts';
import type { StoredAnswer } from '../recompute/method.ts';
import { voteRow } from '../voting.ts';
import type { EvaluationSet } from '../../db/queries/evaluation-sets.ts';
import { anchorAnswersOf, anchorsAt } from '../../db/queries/verification.ts';
import type { AnchorAnswerRecord, AnchorRecord } from '../../db/queries/verification.ts';
import type { Place } from '../../db/queries/units.ts';
import { checkMetrics, checkpointColumn, policyBefore, seedOf } from './context.ts';
import type { VerifyContext } from './context.ts';
import { checkText } from './texts.ts';

export interface VerifiedAnchors {
  /** With the labels that the method makes of the stored answers. */
  labelled: { anchorId: number; question: string; label: string; tokens: number }[];
  /** No anchor is missing. */
  isWhole: boolean;
}

/** @param shards finished units of labelling */
export async function verifyAnchors(
  context: VerifyContext,
  iteration: number,
  shards: readonly number[],
  set: EvaluationSet | undefined,
): Promise<VerifiedAnchors> {
  const found: VerifiedAnchors = { labelled: [], isWhole: true };
  const asked = set?.items.slice(0, context.config.oracles?.anchors?.questions) ?? [];
  for (const unit of shards) {
    const place = { runId: context.run.runId, iteration, phase: 'labelling' as const, unit };
    const records = new Map((await anchorsAt(context.client, place)).map((record) => [record.item, record]));
    const expected = anchorsOf(asked, unit, shardsOf(context.config));
    let missing = 0;
    for (const { item, anchor } of expected) {
      const record = records.get(item);
      records.delete(item);
      context.findings.examine('anchors');
      if (!record) {
        missing++;
        context.findings.missing('anchors', 'anchors', { iteration, unit, item });
        continue;
      }
      const label = await verifyAnchor(context, place, record, { ...anchor, setHash: set?.hash });
      if (label) found.labelled.push(label);
    }
    for (const { anchorId } of records.values()) {
      context.findings.unexpected('anchors', 'anchors', { anchor_id: anchorId });
    }
    if (missing > 0) found.isWhole = false;
    else if (set) checkMetrics(context, place, { anchors: expected.length });
  }
  return found;
}

async function verifyAnchor(
  context: VerifyContext,
  place: Place,
  record: AnchorRecord,
  expected: { question: string; answer: string; setHash: string | undefined },
): Promise<VerifiedAnchors['labelled'][number] | undefined> {
  const { client, findings, preset } = context;
  const { anchorId, item } = record;
  const { question } = expected;
  const row = { anchor_id: anchorId };
  const policy = policyBefore(context, 'solver', place.iteration, 0);
  findings.compare('anchors', 'anchors', row, record, { ...expected, ...checkpointColumn(policy) });
  const answers = await anchorAnswersOf(client, [anchorId]);
  const given = verifySamples(context, place, item, answers);
  const tokens = answers.reduce((sum, answer) => sum + answer.tokens.length, 0);
  if (!given) {
    findings.unverifiable++;
    return record.label === null ? undefined : { anchorId, question, label: record.label, tokens };
  }
  const made = voteRow(0, preset.name, voteOn(context, 'dataset_generation', question, given));
  const { label, majority, total, unparsable, tie, classes } = made;
  const vote = { preset: made.preset, label: label ?? null, majority, total, unparsable, tie, classes };
  findings.compare('anchors', 'anchors', row, record, vote);
  return label ? { anchorId, question, label, tokens } : undefined;
}

/** @returns the answer of each sample; undefined when samples are missing */
function verifySamples(
  context: VerifyContext,
  place: Place,
  item: number,
  records: readonly AnchorAnswerRecord[],
): StoredAnswer[] | undefined {
  const { findings, preset, config } = context;
  const { votes } = config.labelling;
  const bySample = new Map(records.map((record) => [record.sample, record]));
  let isWhole = true;
  const given = Array.from({ length: votes }, (_, sample): StoredAnswer => {
    findings.examine('answers');
    const record = bySample.get(sample);
    const row = { anchor_id: record?.anchorId ?? 0, sample };
    if (!record) {
      isWhole = false;
      findings.missing('answers', 'anchor_answers', { item, iteration: place.iteration, sample });
      return { extracted: null, tokens: 0, meanLogprob: null };
    }
    const seed = seedOf(context, place, { item, sample, stream: 'anchor' });
    findings.compare('seeds', 'anchor_answers', row, record, { seed });
    if (!checkText(context, 'solver', 'anchor_answers', row, record)) return storedAnswer(record, record.extracted);
    const found = extractAnswer(record.completion, preset);
    findings.compare('answers', 'anchor_answers', row, record, { extracted: found });
    return storedAnswer(record, found);
  });
  for (const { anchorId, sample } of records) {
    if (sample >= votes || sample < 0) {
      findings.unexpected('answers', 'anchor_answers', { anchor_id: anchorId, sample });
    }
  }
  return isWhole ? given : undefined;
}
