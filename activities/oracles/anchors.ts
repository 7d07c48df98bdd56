/** Anchors in a labelling shard: asked and voted on as its questions are, with rows and random streams of their own. */
import type pg from 'pg';
import type { ActivityDependencies } from '../dependencies.ts';
import type { ModelLease } from '../engine/types.ts';
import { RZeroError } from '../errors.ts';
import type { RunConfig } from '../run-input.ts';
import type { UnitContext } from '../unit.ts';
import { answerQuestions, voteRow } from '../voting.ts';
import { insertRows } from '../../db/bulk.ts';
import { readQuestionSet } from '../../db/queries/evaluation-sets.ts';
import { anchorAnswers, anchors } from '../../db/schema.ts';
import { anchorsOf } from './anchor-set.ts';

export interface AnsweredAnchors {
  metrics: Record<string, number>;
  /** Inside the transaction of the shard. */
  write: (client: pg.PoolClient, checkpointId: string) => Promise<void>;
}

/** @returns undefined when the run has no anchors */
export async function answerAnchors(
  deps: ActivityDependencies,
  context: UnitContext,
  solver: ModelLease,
): Promise<AnsweredAnchors | undefined> {
  const { run, config, place } = context;
  const settings = config.oracles?.anchors;
  if (!settings) return undefined;
  const set = await readQuestionSet(deps.database, run.anchorHash);
  if (!set) throw new RZeroError('Internal', 'The run has anchors, but its set of them is not stored.');
  const own = anchorsOf(set.items.slice(0, settings.questions), place.unit, shardsOf(config));
  const asked = own.map(({ item, anchor }) => ({ item, question: anchor.question }));
  // What an audit costs is told of apart: a budget is spent on the run itself.
  const usage = { tokens: 0 };
  const { votes } = config.labelling;
  const answered = await answerQuestions(deps, { ...context, usage }, solver, asked, votes, 'generation', 'anchor');
  return {
    metrics: { anchors: answered.length, anchorAnswers: answered.length * votes, anchorTokens: usage.tokens },
    write: async (client, checkpointId) => {
      const rows = answered.map(({ item, question, vote }, index) => {
        const { preset, label, majority, total, unparsable, tie, classes } = voteRow(0, config.preset, vote);
        const counts = { preset, label: label ?? null, majority, total, unparsable, tie, classes };
        const { answer } = own[index]!.anchor;
        return { ...place, item, setHash: set.hash, checkpointId, question, answer, ...counts };
      });
      const inserted = await insertRows(client, anchors, rows, { returning: ['anchor_id', 'item'] });
      const ids = new Map(inserted.map((row) => [Number(row['item']), Number(row['anchor_id'])]));
      const samples = answered.flatMap(({ item, answers }) =>
        answers.map(({ seed, text, tokens, finishReason, extracted, meanLogprob }, sample) => ({
          anchorId: ids.get(item)!,
          sample,
          seed,
          completion: text,
          tokens,
          finishReason,
          extracted,
          meanLogprob,
        })),
      );
      await insertRows(client, anchorAnswers, samples);
    },
  };
}

export function shardsOf({ labelling: { questions, shardSize } }: RunConfig): number {
  return Math.ceil(questions / shardSize);
}
