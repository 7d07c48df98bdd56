/** People as oracles: what they say of a sample of a run's labels, under their name. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { grade, readingOf } from '../method/answers/answer-equivalence.ts';
import { deriveSeed } from '../method/seeds.ts';
import { addOracle, findOracle, readAsked, readVotedLabels } from '../../db/queries/oracles.ts';
import type { OracleRow, VotedLabel } from '../../db/queries/oracles.ts';
import type { RunRow } from '../../db/queries/runs.ts';
import { stratifiedSample } from './sample.ts';
import { storeVerdict } from './verdict.ts';

export const hashAnnotator = (annotator: string): string =>
  createHash('sha256')
    .update(JSON.stringify(['human', annotator]))
    .digest('hex');

/** The annotator's row, made at the first visit. @param annotator a name, trimmed */
export async function openAnnotator(
  pool: pg.Pool,
  runId: string,
  annotator: string,
  codeVersion: string,
): Promise<OracleRow> {
  const oracle = `human:${annotator}`;
  const definitionHash = hashAnnotator(annotator);
  const known = await findOracle(pool, runId, oracle, definitionHash);
  if (known) return known;
  return addOracle(pool, { runId, kind: 'human', oracle, definition: { annotator }, definitionHash, codeVersion });
}

export interface LabelToJudge extends VotedLabel {
  iteration: number;
}

/**
 * What a person has not said anything of yet: `count` labels of each iteration, stratified by p̂. Everybody is shown the same, so that
 * people can be compared.
 */
export async function labelsToJudge(
  pool: pg.Pool,
  run: RunRow,
  oracle: OracleRow,
  iterations: readonly number[],
  count: number,
): Promise<{ open: LabelToJudge[]; drawn: number }> {
  const open: LabelToJudge[] = [];
  let drawn = 0;
  for (const iteration of iterations) {
    const place = { iteration, phase: 'audit', unit: 0, item: 0, sample: 0 };
    const seed = deriveSeed({ runSeed: run.seed, ...place, stream: 'human' });
    const sample = stratifiedSample(await readVotedLabels(pool, run.runId, iteration), count, seed);
    const known = await readAsked(pool, oracle.oracleId, iteration);
    drawn += sample.length;
    open.push(...sample.filter(({ questionId }) => !known.has(questionId)).map((label) => ({ ...label, iteration })));
  }
  return { open, drawn };
}

/** What a person says: true or false, unknown, or what the answer is. */
export type HumanVerdict = { agrees: boolean | null } | { truth: string };

/**
 * @returns whether the label is true, as stored
 * @throws RZeroError `DatabaseBehind` when the run was reset since it was shown
 */
export async function storeHumanVerdict(
  pool: pg.Pool,
  run: RunRow,
  oracle: OracleRow,
  { iteration, questionId, question, label }: LabelToJudge,
  verdict: HumanVerdict,
  seconds: number,
): Promise<boolean | null> {
  const said =
    'truth' in verdict
      ? { truth: verdict.truth, agrees: grade(label, verdict.truth, 'default', readingOf(question)) }
      : { truth: null, agrees: verdict.agrees };
  await storeVerdict(pool, { run, iteration, oracle, questionId, label }, { ...said, seconds });
  return said.agrees;
}
