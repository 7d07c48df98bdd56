import type { UnitRef, UnitResult } from '../contract.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { RZeroError } from '../errors.ts';
import { deriveSeed, permutation } from '../method/seeds.ts';
import { runUnit } from '../unit.ts';
import { readEmbeddingCalls, readValidQuestions } from '../../db/queries/semantic-diversity.ts';
import { EMBEDDING_KEY_VARIABLE, embedTexts } from './embedding-client.ts';
import { semanticDiversity } from './semantic.ts';

/**
 * How far apart an iteration's questions are in meaning: a sample of the valid ones, drawn by the run's seed, is embedded batch by batch. An
 * attempt that is killed has cost its requests; the next one asks for the same texts in the same batches.
 */
export function measureDiversity(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'audit', ref, async ({ run, config, place, call }) => {
    const settings = config.diversity?.embedding;
    if (!settings)
      throw new RZeroError('Internal', 'Diversity was to be measured in a run without an embedding model.');
    const { questions: most, batchSize, tries, maxCalls = Infinity } = settings;
    const all = await readValidQuestions(deps.database, run.runId, place.iteration);
    const order = permutation(
      all.length,
      deriveSeed({ runSeed: run.seed, ...place, item: 0, sample: 0, stream: 'embedding' }),
    );
    const texts = Array.from(order.subarray(0, most), (index) => all[index]!);
    const spent = Number.isFinite(maxCalls) ? await readEmbeddingCalls(deps.database, run.runId) : 0;
    const isAffordable = spent + Math.ceil(texts.length / batchSize) * tries <= maxCalls;
    if (texts.length < 2 || !isAffordable) {
      const metrics = { embedded: 0, unembedded: texts.length, embeddingCalls: 0, embeddingTokens: 0 };
      return { usesModel: false, metrics, write: () => Promise.resolve() };
    }
    const server = { ...settings, apiKey: process.env[EMBEDDING_KEY_VARIABLE] };
    const vectors: number[][] = [];
    let [calls, tokens] = [0, 0];
    for (let from = 0; from < texts.length; from += batchSize) {
      const batch = await embedTexts(server, texts.slice(from, from + batchSize), call.signal);
      vectors.push(...batch.vectors);
      calls += batch.calls;
      tokens += batch.tokens;
      call.onProgress?.({ stage: 'embedding', done: vectors.length, total: texts.length });
    }
    if (vectors.some(({ length }) => length !== vectors[0]!.length)) {
      throw new RZeroError(
        'EmbeddingUnfit',
        `The embedding model at ${settings.baseUrl} gives vectors of several lengths.`,
        {
          field: 'diversity.embedding.model',
          fix: 'Name a model whose embeddings are all of one length.',
        },
      );
    }
    const { distance, error, vendi } = await semanticDiversity(vectors, call.signal);
    return {
      usesModel: false,
      metrics: {
        embedded: texts.length,
        semanticDistance: distance,
        semanticDistanceError: error,
        semanticVendi: vendi,
        embeddingCalls: calls,
        embeddingTokens: tokens,
      },
      write: () => Promise.resolve(),
    };
  });
}
