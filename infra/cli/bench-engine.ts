/** `r-zero bench engine`: what the engine does in a second on this machine with a model of the user's. */
import { stat } from 'node:fs/promises';
import { createTfjsEngine } from '../../activities/engine/client.ts';
import { readConfigOf } from '../../activities/engine/model-files.ts';
import { parameterSpecs, sizeOf } from '../../activities/engine/parameters.ts';
import type { EngineDescription, ModelLease } from '../../activities/engine/types.ts';
import { threadsFor } from '../../activities/engine/threads.ts';
import { RZeroError } from '../../activities/errors.ts';
import { describeEngine } from './engine-text.ts';
import { count, decimal, fileSize } from './numbers.ts';

export interface EngineBenchOptions {
  /** Folder of a model or checkpoint. */
  path: string;
  /** As long as it should take, in all; every measurement is made at least once. */
  seconds: number;
  signal?: AbortSignal;
  onStage?: (stage: string) => void;
}

export type Stage = 'prefill' | 'decodeB1' | 'decodeB16' | 'decodeB64' | 'score' | 'train';

export interface EngineBench {
  model: string;
  parameters: number;
  engine: EngineDescription;
  openSeconds: number;
  /** Tokens per second on the clock, the middle of all rounds; a training step's tokens are those it learns from. */
  tokensPerSecond: Record<Stage, number>;
  /** Sequences of how many tokens. */
  shapes: Record<Stage, { sequences: number; tokens: number }>;
  /** Most that the engine's process held during a training step, in main memory. */
  peakMemoryBytes: number;
}

/** A long one would say the same, and take a while on two cores. */
const LENGTH = 128;
const PROMPT = 8;
const NEW_TOKENS = 24;

/** @throws RZeroError `ModelUnreadable`, and what the engine throws */
export async function benchEngine({ path, seconds, signal, onStage }: EngineBenchOptions): Promise<EngineBench> {
  if ((await stat(path).catch(() => undefined))?.isFile()) {
    throw new RZeroError('ModelUnreadable', `${path} is a file, and the engine opens folders.`, {
      field: 'model',
      fix: `Run \`npx r-zero model import ${path}\` and give its folder.`,
    });
  }
  const config = await readConfigOf(path);
  const engine = createTfjsEngine();
  // As many as a run would take.
  const most = threadsFor(config);
  const threads = most === undefined ? {} : { threads: most };
  const call = signal ? { signal } : {};
  try {
    const description = await engine.describe({ ...call, ...threads });
    onStage?.('opening the model');
    const started = performance.now();
    const lease = await engine.open({ path, ...threads }, call);
    const openSeconds = (performance.now() - started) / 1000;
    const length = Math.min(LENGTH, Math.floor(lease.maxSequenceLength / 2));
    const news = Math.min(NEW_TOKENS, lease.maxSequenceLength - PROMPT - 1);
    const stages = stagesOf(lease, config.vocabSize, length, news, call);
    const tokensPerSecond: Partial<Record<Stage, number>> = {};
    for (const [name, stage] of Object.entries(stages)) {
      onStage?.(name);
      tokensPerSecond[name as Stage] = await rateOf(stage, seconds / Object.keys(stages).length);
    }
    await lease.close();
    return {
      model: path,
      parameters: parameterSpecs(config).reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      engine: description,
      openSeconds,
      tokensPerSecond: tokensPerSecond as Record<Stage, number>,
      shapes: Object.fromEntries(
        Object.entries(stages).map(([name, { sequences, tokens }]) => [name, { sequences, tokens }]),
      ) as EngineBench['shapes'],
      peakMemoryBytes: stages.train.peakMemoryBytes(),
    };
  } finally {
    await engine.close();
  }
}

interface Measured {
  sequences: number;
  tokens: number;
  /** Seconds of one round. */
  run(): Promise<number>;
}

function stagesOf(
  lease: ModelLease,
  vocabSize: number,
  length: number,
  news: number,
  call: { signal?: AbortSignal },
): Record<Stage, Measured> & { train: Measured & { peakMemoryBytes(): number } } {
  const tokensOf = (size: number, salt: number): number[] =>
    Array.from({ length: size }, (_, index) => (index * 7919 + salt * 104_729) % vocabSize);
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const started = performance.now();
    await work();
    return (performance.now() - started) / 1000;
  };
  /** `news` of 1 is the prompt alone. */
  const sample = (sequences: number, prompt: (row: number) => number[], maxTokens: number): Promise<number> => {
    const items = Array.from({ length: sequences }, (_, row) => ({
      promptTokens: prompt(row),
      seed: row.toString(16).padStart(16, '0'),
    }));
    const params = { maxTokens, temperature: 1, stopTokens: [] };
    return timed(() => lease.sample({ items, params }, call));
  };
  const decode = (sequences: number): Measured => ({
    sequences,
    tokens: news,
    run: async () => {
      const prompt = (): number[] => tokensOf(PROMPT, 1);
      const first = await sample(sequences, prompt, 1);
      return Math.max(1e-9, (await sample(sequences, prompt, 1 + news)) - first);
    },
  });
  const completions = (sequences: number) =>
    Array.from({ length: sequences }, (_, row) => ({
      promptTokens: tokensOf(1, row),
      completionTokens: tokensOf(length, row + 1),
    }));
  let peak = 0;
  const even = Array<number>(length).fill(-Math.log(vocabSize));
  return {
    prefill: { sequences: 8, tokens: length, run: () => sample(8, (row) => tokensOf(length, row), 1) },
    decodeB1: decode(1),
    decodeB16: decode(16),
    decodeB64: decode(64),
    score: { sequences: 8, tokens: length, run: () => timed(() => lease.score(completions(8), call)) },
    train: {
      sequences: 4,
      tokens: length,
      peakMemoryBytes: () => peak,
      run: async () => {
        const items = completions(4).map((item, row) => ({
          ...item,
          behaviourLogprobs: even,
          referenceLogprobs: even,
          advantage: (row % 2) * 2 - 1,
        }));
        // Small enough to leave the model as it is, whatever the number of rounds.
        const { seconds, peakMemoryBytes } = await lease.trainStep(items, { learningRate: 1e-9, microBatch: 4 }, call);
        peak = Math.max(peak, peakMemoryBytes);
        return seconds;
      },
    },
  };
}

/** Tokens per second in the middle one of as many rounds as fit; the first one, which gets things ready, does not count. */
async function rateOf(stage: Measured, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000;
  await stage.run();
  const rounds: number[] = [];
  do rounds.push(await stage.run());
  while (performance.now() < until);
  rounds.sort((a, b) => a - b);
  return (stage.sequences * stage.tokens) / (rounds[rounds.length >> 1] as number);
}

const LABELS: Readonly<Record<Stage, string>> = {
  prefill: 'prefill',
  decodeB1: 'decode, batch 1',
  decodeB16: 'decode, batch 16',
  decodeB64: 'decode, batch 64',
  score: 'score',
  train: 'train',
};

/** The report as text, a line for each stage. */
export function formatEngineBench({
  model,
  parameters,
  engine,
  openSeconds,
  tokensPerSecond,
  shapes,
  peakMemoryBytes,
}: EngineBench): string[] {
  const rate = (value: number): string => `${value < 100 ? decimal(value, 1) : count(value)} tokens/s`;
  const rows = (Object.keys(LABELS) as Stage[]).map((stage) => {
    const { sequences, tokens } = shapes[stage];
    return [LABELS[stage], rate(tokensPerSecond[stage]), `${sequences} × ${tokens} tokens`] as const;
  });
  const width = Math.max(...rows.map(([, value]) => value.length));
  const fallback = engine.fallbackReason === undefined ? [] : [`  ${engine.fallbackReason}`];
  return [
    `${model}: ${count(parameters)} parameters, opened in ${decimal(openSeconds, 1)} s`,
    `${describeEngine(engine)}, ${engine.execution}, on ${engine.device}, ${count(engine.threads)} threads`,
    ...fallback,
    ...rows.map(([label, value, shape]) => `  ${label.padEnd(16)}  ${value.padStart(width)}  ${shape}`),
    `Peak memory of a training step: ${fileSize(peakMemoryBytes)}`,
  ];
}
