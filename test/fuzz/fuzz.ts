/** Hands many bad inputs to each family's reader: nothing but a coded error or an answer may come of it, soon, and in little memory. */
import { ApplicationFailure } from '@temporalio/common';
import { RZeroError } from '../../activities/errors.ts';
import { createRandom, deriveSeed } from '../../activities/method/seeds.ts';
import type { Family } from './families.ts';

/** By the processor's clock: the machine may be busy with other things. */
const MOST_SECONDS = 1;
/** Far above what reading any of the inputs, which are all small, can need. */
const MOST_BYTES = 256 * 2 ** 20;

export interface Finding {
  family: string;
  /** Repeats it, with the seed. */
  index: number;
  what: string;
  input: Buffer;
}

export interface FamilyResult {
  family: string;
  inputs: number;
  accepted: number;
  /** How many were refused, by code. */
  codes: Record<string, number>;
  slowestSeconds: number;
  findings: Finding[];
}

/** @param seed same seed, same inputs */
export async function fuzzFamily(family: Family, count: number, seed: number): Promise<FamilyResult> {
  const result: FamilyResult = {
    family: family.name,
    inputs: count,
    accepted: 0,
    codes: {},
    slowestSeconds: 0,
    findings: [],
  };
  for (let index = 0; index < count; index++) {
    const input = family.make(createRandom(seedOf(family, index, seed)));
    const tell = (what: string) => void result.findings.push({ family: family.name, index, what, input });
    const memory = process.memoryUsage();
    const started = process.cpuUsage();
    try {
      await family.read(input);
      result.accepted += 1;
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined)
        tell(`an error without a code: ${String((error as Error)?.stack ?? error).slice(0, 600)}`);
      else result.codes[code] = (result.codes[code] ?? 0) + 1;
    }
    const used = process.cpuUsage(started);
    const seconds = (used.user + used.system) / 1e6;
    result.slowestSeconds = Math.max(result.slowestSeconds, seconds);
    if (seconds > MOST_SECONDS) tell(`${seconds.toFixed(1)} s of processor time`);
    const after = process.memoryUsage();
    const grown = Math.max(after.arrayBuffers - memory.arrayBuffers, after.rss - memory.rss);
    if (grown > MOST_BYTES) tell(`${Math.round(grown / 2 ** 20)} MiB of memory`);
  }
  return result;
}

function seedOf(family: Family, item: number, seed: number): string {
  return deriveSeed({ runSeed: seed, iteration: 0, phase: 'fuzz', unit: 0, item, sample: 0, stream: family.name });
}

/** Of what this project throws on purpose: everywhere an `RZeroError`, in workflows a failure of its form. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof RZeroError) return error.code;
  return error instanceof ApplicationFailure ? (error.type ?? undefined) : undefined;
}

/** e.g. `GGUF: 770 inputs, 12 accepted, ModelUnreadable 758; slowest 21 ms`. */
export function formatResult({ family, inputs, accepted, codes, slowestSeconds, findings }: FamilyResult): string {
  const refused = Object.entries(codes).map(([code, times]) => `${code} ${times}`);
  const found = findings.length === 0 ? '' : `; ${findings.length} FINDINGS`;
  return `${family}: ${[`${inputs} inputs`, `${accepted} accepted`, ...refused].join(', ')}; slowest ${Math.round(slowestSeconds * 1000)} ms${found}`;
}
