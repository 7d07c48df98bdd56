/** One model of the engine benchmark: cases in rounds that take turns, their medians, and the ratios of the two sides. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENGINE_ENVIRONMENT } from '../../activities/engine/environment.ts';
import type { Precision } from '../../activities/engine/precision.ts';
import { RZeroError } from '../../activities/errors.ts';
import { startSide } from './engine-side.ts';
import type { Answer, Side } from './engine-side.ts';

export const CASES = ['train', 'decodeB1', 'decodeB16', 'decodeB64', 'generate'] as const;
export type Case = (typeof CASES)[number];

/** 16 questions, 8 answers of 64 tokens each; a quarter of the questions in a quick run. */
export const QUESTIONS = 16;
const ANSWERS = 8;
const ANSWER_TOKENS = 64;
/** Most difference of two log-probabilities of the same token: float32, summed in another order; or with products rounded. */
const SAME = { float32: 2e-3, tf32: 0.05, bfloat16: 0.3 };

export interface CompareOptions {
  /** Folder of the model. */
  path: string;
  /** File with the prompts of grouped generation. */
  prompts: string;
  /** For what is made meanwhile. */
  scratch: string;
  python: string;
  threads: number;
  rounds: number;
  cases: readonly Case[];
  quick: boolean;
  /** Also runs the engine operation by operation. */
  eager: boolean;
  /** Both sides on the first NVIDIA GPU, in this precision; times are then those on the clock. @default on the CPU */
  gpu?: Precision | undefined;
  /** Time (`performance.now()`) after which no case begins another round than its first. */
  until: number;
  report: (line: string) => void;
}

export interface Compared {
  traceSeconds: Answer;
  cachedLoadSeconds: Answer;
  /** Median answers by case and side: `ours`, `torch`, `eager`. */
  cases: Partial<Record<Case, Record<string, Answer>>>;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export async function compareModel(options: CompareOptions): Promise<Compared> {
  const { path, threads, report } = options;
  const cache = mkdtempSync(join(options.scratch, 'graphs-'));
  const sides: Record<string, Side> = {};
  const device = options.gpu ? { R_ZERO_ENGINE_PRECISION: options.gpu } : { CUDA_VISIBLE_DEVICES: '' };
  const engine = (env: Record<string, string>): Promise<Side> =>
    startSide('The engine', process.execPath, ['--import', 'tsx', here('engine-worker.ts'), path, String(threads)], {
      ...ENGINE_ENVIRONMENT,
      ...device,
      R_ZERO_CACHE: cache,
      ...env,
    });
  try {
    sides['ours'] = await engine({});
    const traceSeconds = await sides['ours'].ask('load');
    const cachedLoadSeconds = await loadAgain(engine);
    const peer = [here('engine-peer.py'), path, String(threads), options.gpu ? 'cuda' : 'cpu'];
    sides['torch'] = await startSide('PyTorch', options.python, peer, device);
    requireDevice(sides, options.gpu);
    if (options.eager) {
      sides['eager'] = await engine({ R_ZERO_ENGINE_EXECUTION: 'eager' });
      await sides['eager'].ask('load');
    }
    const named = Object.entries(sides).map(([name, side]) => `${name} = ${side.description}`);
    report(
      `  ${named.join(', ')}; equal log-probabilities to ${(await difference(sides, SAME[options.gpu ?? 'float32'])).toExponential(0)}`,
    );
    const cases: Compared['cases'] = {};
    for (const one of CASES.filter((name) => options.cases.includes(name))) {
      cases[one] = await runCase(one, sides, options);
      const clock = clockOf(options);
      const medians = Object.entries(cases[one]).map(
        ([side, answer]) => `${side} ${(answer[clock] * 1000).toPrecision(4)}`,
      );
      report(`  ${one.padEnd(10)} ${medians.join(', ')} ms ${clock === 'cpu' ? 'of processor time' : 'on the clock'}`);
    }
    return { traceSeconds, cachedLoadSeconds, cases };
  } finally {
    await Promise.all(Object.values(sides).map((side) => side.close()));
    rmSync(cache, { recursive: true, force: true });
  }
}

/**
 * Grouped generation by llama.cpp, on one thread: several spin while they wait for each other, which counts as work.
 *
 * @returns tokens per processor second
 */
export async function llamaRate(python: string, path: string, prompts: string, quick: boolean): Promise<number> {
  const questions = questionsOf(quick);
  const args = [here('engine-llama.py'), path, '1', String(questions * ANSWERS)];
  const side = await startSide('llama.cpp', python, args, { CUDA_VISIBLE_DEVICES: '' });
  try {
    await side.ask(`generate ${prompts} 2 2 4`);
    const { tokens = 0, cpu } = await side.ask(generation(prompts, questions));
    return tokens / cpu;
  } finally {
    await side.close();
  }
}

function questionsOf(quick: boolean): number {
  return quick ? QUESTIONS / 4 : QUESTIONS;
}

function generation(prompts: string, questions: number): string {
  return `generate ${prompts} ${questions} ${ANSWERS} ${ANSWER_TOKENS}`;
}

async function loadAgain(engine: (env: Record<string, string>) => Promise<Side>): Promise<Answer> {
  const again = await engine({});
  try {
    return await again.ask('load');
  } finally {
    await again.close();
  }
}

/** Largest difference of the log-probabilities of one sequence. @throws RZeroError when they are not the same model */
async function difference(sides: Readonly<Record<string, Side>>, same: number): Promise<number> {
  const answers: number[][] = [];
  for (const side of Object.values(sides)) answers.push((await side.ask('check 48')).logprobs as number[]);
  const [first = [], ...others] = answers;
  const largest = Math.max(
    ...others.flatMap((other) => other.map((value, index) => Math.abs(value - (first[index] as number)))),
  );
  if (largest <= same) return largest;
  throw new RZeroError('SetupFailed', `The sides do not run the same model: log-probabilities differ by ${largest}.`, {
    fix: 'This is a fault of the benchmark or of the engine: please report it with your versions.',
  });
}

async function runCase(
  one: Case,
  sides: Readonly<Record<string, Side>>,
  options: CompareOptions,
): Promise<Record<string, Answer>> {
  const { prompts, quick, rounds, until, gpu } = options;
  const commands: Record<Case, string> = {
    // A batch of four leaves most of a GPU idle.
    train: gpu ? 'train 16 256' : 'train 4 128',
    decodeB1: 'decode 1 64 32',
    decodeB16: 'decode 16 64 32',
    decodeB64: 'decode 64 64 16',
    generate: generation(prompts, questionsOf(quick)),
  };
  // A whole round of generation would be long, and its first calls are few among its steps.
  const warmUp = one === 'generate' ? `generate ${prompts} 2 2 4` : commands[one];
  // Operation by operation nothing but the speed of a step is of interest.
  const names = Object.keys(sides).filter((name) => one !== 'generate' || name !== 'eager');
  for (const name of names) await (sides[name] as Side).ask(warmUp);
  const answers: Record<string, Answer[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds && (round === 0 || performance.now() < until); round++) {
    for (const name of names) answers[name]?.push(await (sides[name] as Side).ask(commands[one]));
  }
  return Object.fromEntries(names.map((name) => [name, medianOf(answers[name] as Answer[], clockOf(options))]));
}

/** A processor that waits for a GPU says little of it. */
export function clockOf({ gpu }: Pick<CompareOptions, 'gpu'>): 'cpu' | 'wall' {
  return gpu ? 'wall' : 'cpu';
}

/** @throws RZeroError `SetupFailed` when what should run on a GPU does not */
function requireDevice(sides: Readonly<Record<string, Side>>, gpu: Precision | undefined): void {
  const elsewhere = Object.entries(sides).find(([, { description }]) => gpu && !description.includes('cuda'));
  if (!elsewhere) return;
  throw new RZeroError('SetupFailed', `There is no GPU for ${elsewhere[0]}: it runs as ${elsewhere[1].description}.`, {
    field: 'gpu',
    fix: 'Look at `npx r-zero doctor`, name a Python whose PyTorch has CUDA with `--python`, or leave `--gpu` out.',
  });
}

function medianOf(answers: readonly Answer[], clock: 'cpu' | 'wall'): Answer {
  const byTime = answers.toSorted((a, b) => a[clock] - b[clock]);
  // Peaks only grow: the last one counts.
  return {
    ...(byTime[byTime.length >> 1] as Answer),
    ...(answers.at(-1)?.maxRss ? { maxRss: answers.at(-1)?.maxRss as number } : {}),
  };
}
