/** Samples generated once more from their seeds: what is stored must come out again, bit by bit. */
import type { ActivityDependencies } from '../dependencies.ts';
import type { EngineDescription } from '../engine/types.ts';
import { RZeroError } from '../errors.ts';
import { createRandom, deriveSeed } from '../method/seeds.ts';
import { meanLogprob } from '../method/vote-weights.ts';
import { withSettings } from '../recompute/method.ts';
import { sampleAs } from '../sampling.ts';
import type { SampledText } from '../sampling.ts';
import { withModel } from '../store.ts';
import { storable } from '../../db/bulk.ts';
import type { UnitRecord } from '../../db/queries/verification.ts';
import type { VerifyContext } from './context.ts';
import { readExcerpt } from './generations.ts';
import type { Excerpt, Generation, QuestionSets, StoredSample } from './generations.ts';

export interface ReplayRequest {
  deps: ActivityDependencies;
  /** How many samples are drawn. Each is replayed with the whole request that it was sampled in. */
  samples: number;
  /** Decides which are drawn. */
  seed: number;
}

export interface ReplayReport {
  samples: number;
  seed: number;
  batches: number;
  /** Rows held against what came out. */
  rows: number;
  /** Batches that were drawn and not replayed. */
  skipped: { reason: string; batches: number }[];
}

interface Batch {
  generation: Generation;
  from: number;
  to: number;
}

export async function replaySamples(
  context: VerifyContext,
  { deps, samples, seed }: ReplayRequest,
  generations: readonly Generation[],
  facts: QuestionSets & { units: readonly UnitRecord[]; usable: ReadonlySet<string> },
): Promise<ReplayReport> {
  const report: ReplayReport = { samples, seed, batches: 0, rows: 0, skipped: [] };
  const batches = drawBatches(context, generations, samples, seed);
  if (batches.length === 0) return report;
  const { threads } = context.config;
  const engine = await deps.engine.describe({
    ...(threads === undefined ? {} : { threads }),
    ...(context.signal ? { signal: context.signal } : {}),
  });
  const skip = (reason: string): void => {
    const known = report.skipped.find((entry) => entry.reason === reason);
    if (known) known.batches++;
    else report.skipped.push({ reason, batches: 1 });
  };
  for (const [index, { generation, from, to }] of batches.entries()) {
    context.signal?.throwIfAborted();
    context.onProgress(`replay ${index + 1} of ${batches.length}`);
    const elsewhere = otherEngine(facts.units, generation, engine);
    if (elsewhere) {
      skip(elsewhere);
      continue;
    }
    const { iteration, phase, unit } = generation.place;
    const own = withSettings(context, context.settingsOf(iteration, phase, unit));
    const excerpt = await readExcerpt(own, generation, { from, to }, facts);
    if (excerpt.isBroken) skip('a row that its prompts come from is reported');
    else if (excerpt.checkpointId === undefined || !facts.usable.has(excerpt.checkpointId)) {
      skip('its checkpoint is pruned, missing or damaged');
    } else {
      const completions = await sampleAgain(own, deps, excerpt.checkpointId, excerpt);
      report.batches++;
      report.rows += compareSamples(own, excerpt, completions);
    }
  }
  return report;
}

function drawBatches(
  { run }: VerifyContext,
  generations: readonly Generation[],
  samples: number,
  seed: number,
): Batch[] {
  const total = generations.reduce((sum, generation) => sum + generation.samples, 0);
  if (total === 0) return [];
  const place = { iteration: 0, phase: 'audit', unit: 0, item: 0, sample: 0 };
  const random = createRandom(deriveSeed({ runSeed: `${run.runId}/${seed}`, ...place, stream: 'replay' }));
  const drawn = new Map<string, Batch>();
  for (let i = 0; i < samples; i++) {
    let index = random.below(total);
    const at = generations.findIndex((generation) => {
      if (index < generation.samples) return true;
      index -= generation.samples;
      return false;
    });
    const generation = generations[at]!;
    // Which sequences are decoded together depends on all of the request, and is part of the bits.
    drawn.set(String(at), { generation, from: 0, to: generation.samples });
  }
  return [...drawn.values()];
}

/** @returns why the unit's bits cannot be expected to come out here; undefined when they can */
function otherEngine(units: readonly UnitRecord[], { place }: Generation, here: EngineDescription): string | undefined {
  const unit = units.find(
    ({ iteration, phase, unit }) => iteration === place.iteration && phase === place.phase && unit === place.unit,
  );
  const there = unit?.engine as EngineDescription | null | undefined;
  // Others than its settings say were decoded together then.
  const { memoryHalvings = 0 } = (unit?.metrics ?? {}) as Readonly<Record<string, number>>;
  if (memoryHalvings > 0) return 'it was sampled in smaller batches, for want of memory';
  if (!there) return 'its unit does not say what computed it';
  const differing = (
    [
      'engine',
      'backend',
      'backendVersion',
      'execution',
      'device',
      'precision',
      'deterministic',
      'threads',
      'kernels',
    ] as const
  )
    .filter((field) => there[field] !== here[field])
    .map((field) => `${field} ${String(there[field] ?? 'not said')}, here ${String(here[field] ?? 'not said')}`);
  return differing.length === 0 ? undefined : `computed by another engine (${differing.join('; ')})`;
}

function sampleAgain(
  context: VerifyContext,
  deps: ActivityDependencies,
  checkpointId: string,
  excerpt: Excerpt,
): Promise<SampledText[]> {
  const { run, config, profile, signal } = context;
  const call = signal ? { signal } : {};
  return withModel(deps, checkpointId, { threads: config.threads, call }, (lease) =>
    sampleAs(
      excerpt.role,
      deps,
      { run, config, profile, call, usage: { tokens: 0 } },
      lease,
      excerpt.prompts,
      excerpt.change,
    ),
  );
}

function compareSamples(
  { findings }: VerifyContext,
  { rows, prompts }: Excerpt,
  completions: readonly SampledText[],
): number {
  if (completions.length !== prompts.length) {
    throw new RZeroError('Internal', `${prompts.length} prompts gave ${completions.length} completions.`);
  }
  let compared = 0;
  for (const [index, stored] of rows.entries()) {
    // What is wrong with a reported row was said; what is missing, too.
    if (!stored || findings.isReported(stored.table, stored.row)) continue;
    compared++;
    findings.examine('replay');
    const differing = firstDifference(stored, completions[index]!);
    if (!differing) continue;
    findings.report({ check: 'replay', table: stored.table, row: stored.row, problem: 'differs', ...differing });
  }
  return compared;
}

function firstDifference(
  stored: StoredSample,
  replayed: SampledText,
): { column: string; expected: string; actual: string } | undefined {
  const cut = (value: unknown): string => JSON.stringify(value).slice(0, 200);
  const differs = (column: string, expected: unknown, actual: unknown) => ({
    column,
    expected: cut(expected),
    actual: cut(actual),
  });
  if (stored.tokens && !sameNumbers(stored.tokens, replayed.tokens)) {
    return differs('tokens', replayed.tokens, stored.tokens);
  }
  if (storable(replayed.text) !== stored.completion) return differs('completion', replayed.text, stored.completion);
  if (stored.finishReason !== undefined && stored.finishReason !== replayed.finishReason) {
    return differs('finish_reason', replayed.finishReason, stored.finishReason);
  }
  // Stored with single precision.
  const logprobs = replayed.logprobs.map(Math.fround);
  if (stored.logprobs && !sameNumbers(stored.logprobs.map(Math.fround), logprobs)) {
    return differs('logprobs', logprobs, stored.logprobs);
  }
  const mean = meanLogprob(replayed.logprobs);
  if (typeof stored.meanLogprob === 'number' && stored.meanLogprob !== mean) {
    return differs('mean_logprob', mean, stored.meanLogprob);
  }
  return undefined;
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
