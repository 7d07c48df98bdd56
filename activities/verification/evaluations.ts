/** The Solver on held-out questions: every sample graded again, and the totals. */
import { gradeSample, majorityIsCorrect } from '../evaluation.ts';
import type { EvaluationSet } from '../../db/queries/evaluation-sets.ts';
import { evaluationItemsOf, evaluationsOf } from '../../db/queries/verification.ts';
import type { EvaluationItemRecord, EvaluationRecord } from '../../db/queries/verification.ts';
import type { Place } from '../../db/queries/units.ts';
import { checkpointColumn, policyBefore, seedOf, unitId } from './context.ts';
import type { VerifyContext } from './context.ts';

export async function verifyEvaluations(
  context: VerifyContext,
  iteration: number,
  units: readonly number[],
  heldOut: EvaluationSet | undefined,
): Promise<void> {
  const { client, findings, run, config } = context;
  for (const unit of units) {
    const place = { runId: run.runId, iteration, phase: 'evaluation' as const, unit };
    const [record] = await evaluationsOf(client, place);
    findings.examine('evaluations');
    if (!record || !heldOut) {
      findings.missing('evaluations', 'evaluations', unitId(place));
      continue;
    }
    const held = heldOut.items.slice(0, config.evaluation.questions);
    const samples = unit === 0 ? 1 : config.evaluation.samples;
    const totals = await verifyItems(context, place, record, held, samples);
    findings.compare('evaluations', 'evaluations', { evaluation_id: record.evaluationId }, record, {
      setHash: heldOut.hash,
      mode: unit === 0 ? 'greedy' : 'sampled',
      ...checkpointColumn(policyBefore(context, 'solver', iteration + 1, 0)),
      items: held.length,
      samplesPerItem: samples,
      ...totals,
    });
    context.onProgress(`iteration ${iteration}, evaluation ${unit + 1}`);
  }
}

type Totals = Pick<EvaluationRecord, 'correct' | 'majorityCorrect' | 'worked' | 'workedCorrect'>;

/** @returns undefined when samples are missing */
async function verifyItems(
  context: VerifyContext,
  place: Place,
  { evaluationId }: EvaluationRecord,
  held: EvaluationSet['items'],
  samples: number,
): Promise<Totals | undefined> {
  const { client, findings, preset } = context;
  const totals: Totals = { correct: 0, majorityCorrect: 0, worked: 0, workedCorrect: 0 };
  let missing = 0;
  let next = 0;
  for await (const portion of evaluationItemsOf(client, evaluationId, held.length)) {
    context.signal?.throwIfAborted();
    const byPlace = new Map(portion.map((record) => [`${record.item}/${record.sample}`, record]));
    const end = Math.min(held.length, next + 256);
    for (let item = next; item < end; item++) {
      const { question, answer } = held[item]!;
      const extracted: (string | null)[] = [];
      for (let sample = 0; sample < samples; sample++) {
        findings.examine('evaluations');
        const row = { evaluation_id: evaluationId, item, sample };
        const record = byPlace.get(`${item}/${sample}`);
        if (!record) {
          missing++;
          findings.missing('evaluations', 'evaluation_items', row);
          continue;
        }
        byPlace.delete(`${item}/${sample}`);
        const graded = verifyItem(context, place, row, record, { question, answer });
        extracted.push(graded.extracted);
        totals.correct += Number(graded.correct);
        totals.worked += Number(graded.worked);
        totals.workedCorrect += Number(graded.worked && graded.correct);
      }
      totals.majorityCorrect += Number(majorityIsCorrect(preset, extracted, { question, answer }));
    }
    for (const { item, sample } of byPlace.values()) {
      findings.unexpected('evaluations', 'evaluation_items', { evaluation_id: evaluationId, item, sample });
    }
    next = end;
  }
  return missing === 0 ? totals : undefined;
}

function verifyItem(
  context: VerifyContext,
  place: Place,
  row: { evaluation_id: number; item: number; sample: number },
  record: EvaluationItemRecord,
  { question, answer }: { question: string; answer: string },
): ReturnType<typeof gradeSample> {
  const { findings, preset } = context;
  const { item, sample } = row;
  // The same random streams at every iteration.
  const seed = seedOf(context, { ...place, iteration: 0 }, { item, sample, stream: 'evaluation' });
  findings.compare('seeds', 'evaluation_items', row, record, { seed });
  const { incomparable, ...graded } = gradeSample(preset, record.completion, { question, answer });
  const expected = { question, expected: answer, ...graded, ...(record.incomparable === null ? {} : { incomparable }) };
  findings.compare('evaluations', 'evaluation_items', row, record, expected);
  return { incomparable, ...graded };
}
