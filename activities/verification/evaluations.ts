/** The Solver on the questions that it is evaluated on: every sample graded again, the totals, and the comparisons. */
import { streamOf } from '../evaluation.ts';
import { askedOf } from '../evaluation-sets/asked.ts';
import { compareEvaluation } from '../evaluation-sets/compare.ts';
import { gradeSample, majorityIsCorrect } from '../evaluation-sets/grading.ts';
import type { Grader, SampleGrade } from '../evaluation-sets/grading.ts';
import { shownQuestion } from '../evaluation-sets/item.ts';
import type { SetItem } from '../evaluation-sets/item.ts';
import { HELD_OUT } from '../evaluation-sets/units.ts';
import type { EvaluationUnit } from '../evaluation-sets/units.ts';
import { deriveSeed } from '../method/seeds.ts';
import { evaluationComparisonsOf, evaluationItemsOf, evaluationsOf } from '../../db/queries/verification.ts';
import type { EvaluationItemRecord, EvaluationRecord } from '../../db/queries/verification.ts';
import type { Place } from '../../db/queries/units.ts';
import { checkpointColumn, policyBefore, unitId } from './context.ts';
import type { VerifyContext } from './context.ts';
import { evaluationOf } from './evaluation-sets.ts';
import type { EvaluationSets, PlannedEvaluation } from './evaluation-sets.ts';

/** What the samples of a unit are held against. */
interface Asked {
  unit: EvaluationUnit;
  grader: Grader;
  /** Of the set, by their place in it. */
  items: readonly SetItem[];
}

export async function verifyEvaluations(
  context: VerifyContext,
  iteration: number,
  units: readonly number[],
  sets: EvaluationSets,
): Promise<void> {
  const { client, config, findings, preset, profile, run } = context;
  for (const number of units) {
    const place = { runId: run.runId, iteration, phase: 'evaluation' as const, unit: number };
    const [record] = await evaluationsOf(client, place);
    findings.examine('evaluations');
    const planned = evaluationOf(config, number, sets);
    if (!record || !planned) {
      findings.missing('evaluations', 'evaluations', unitId(place));
      continue;
    }
    const { unit, setHash } = planned;
    // Of the model's questions a run may ask more than there are.
    const items = planned.items.slice(0, unit.to);
    const { grader } = askedOf(unit, profile, preset);
    const totals = await verifyItems(context, record, { unit, grader, items });
    findings.compare('evaluations', 'evaluations', { evaluation_id: record.evaluationId }, record, {
      setName: unit.set?.setName ?? HELD_OUT,
      setHash,
      mode: unit.mode,
      ...checkpointColumn(policyBefore(context, 'solver', iteration + 1, 0)),
      items: items.length - unit.from,
      samplesPerItem: unit.samples,
      ...totals,
    });
    await verifyComparisons(context, place, planned, grader);
    context.onProgress(`iteration ${iteration}, evaluation ${number + 1}`);
  }
}

type Totals = Pick<EvaluationRecord, 'correct' | 'majorityCorrect' | 'worked' | 'workedCorrect'>;

/** @returns undefined when samples are missing */
async function verifyItems(
  context: VerifyContext,
  { evaluationId }: EvaluationRecord,
  asked: Asked,
): Promise<Totals | undefined> {
  const { client, findings } = context;
  const { grader, items } = asked;
  const { samples, from } = asked.unit;
  const totals: Totals = { correct: 0, majorityCorrect: 0, worked: 0, workedCorrect: 0 };
  let missing = 0;
  let next = from;
  for await (const portion of evaluationItemsOf(client, evaluationId, { from, to: items.length })) {
    context.signal?.throwIfAborted();
    const byPlace = new Map(portion.map((record) => [`${record.item}/${record.sample}`, record]));
    const end = Math.min(items.length, next + 256);
    for (let item = next; item < end; item++) {
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
        const graded = verifyItem(context, asked, row, record);
        extracted.push(graded.extracted);
        totals.correct += Number(graded.correct);
        totals.worked += Number(graded.worked);
        totals.workedCorrect += Number(graded.worked && graded.correct);
      }
      totals.majorityCorrect += Number(majorityIsCorrect(grader, extracted, items[item]!));
    }
    for (const { item, sample } of byPlace.values()) {
      findings.unexpected('evaluations', 'evaluation_items', { evaluation_id: evaluationId, item, sample });
    }
    next = end;
  }
  return missing === 0 ? totals : undefined;
}

function verifyItem(
  { findings, run }: VerifyContext,
  { unit, grader, items }: Asked,
  row: { evaluation_id: number; item: number; sample: number },
  record: EvaluationItemRecord,
): SampleGrade {
  const { item, sample } = row;
  const asked = items[item]!;
  findings.compare('seeds', 'evaluation_items', row, record, {
    seed: deriveSeed({ ...streamOf(unit, run.seed), item, sample }),
  });
  const { incomparable, ...graded } = gradeSample(grader, record.completion, asked);
  findings.compare('evaluations', 'evaluation_items', row, record, {
    question: shownQuestion(asked),
    expected: asked.answer,
    ...graded,
    ...(record.incomparable === null ? {} : { incomparable }),
  });
  return { incomparable, ...graded };
}

/** Rests on the samples as they are stored. Runs of older versions have none. */
async function verifyComparisons(
  { client, findings, run, signal }: VerifyContext,
  place: Place,
  { unit, setHash, items }: PlannedEvaluation,
  grader: Grader,
): Promise<void> {
  const stored = await evaluationComparisonsOf(client, place);
  if (stored.length === 0) return;
  // An altered sample is one finding; what follows from it is none.
  if ((findings.found.get('evaluations') ?? 0) > 0) {
    findings.unverifiable += stored.length;
    return;
  }
  const setName = unit.set?.setName ?? HELD_OUT;
  const compared = { run, iteration: place.iteration, setName, setHash, mode: unit.mode, grader, items };
  const expected = await compareEvaluation(client, compared, [], signal);
  const of = ({ measure, against }: { measure: string; against: string }): string => `${measure}/${against}`;
  const records = new Map(stored.map((record) => [of(record), record]));
  for (const own of expected) {
    findings.examine('evaluations');
    const { measure, against } = own;
    const row = { iteration: place.iteration, set_name: setName, measure, against };
    const record = records.get(of(own));
    if (record) findings.compare('evaluations', 'evaluation_comparisons', row, record, { ...own });
    else findings.missing('evaluations', 'evaluation_comparisons', row);
  }
}
