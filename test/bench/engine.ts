/**
 * `npm run bench:engine`: the engine beside PyTorch on the same weights, threads and shapes, and beside `generate` of
 * `transformers`. See README.md here for what is measured and how.
 *
 * Options: `--quick` (one round, fewer questions), `--models 40m,smollm2-135m`, `--cases train,decodeB1,…`, `--rounds 3`,
 * `--threads 2`, `--minutes 12` (then no further rounds), `--python PATH` (one with torch, transformers and safetensors),
 * `--gpu float32|tf32|bfloat16` (both on the first NVIDIA GPU, in that precision), `--eager` (the engine operation by operation, too), `--llama` (llama.cpp's grouped generation, too), `--json` (the last line is one object).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PRECISIONS } from '../../activities/engine/precision.ts';
import { RZeroError } from '../../activities/errors.ts';
import { CASES, QUESTIONS, clockOf, compareModel, llamaRate } from './engine-compare.ts';
import type { Case } from './engine-compare.ts';
import { MODELS, modelFolderOf, questionPrompts } from './engine-models.ts';
import { asJson, metricLines, metricsOf } from './engine-report.ts';
import { llamaPython, torchPython } from './reference-environment.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    models: { type: 'string' },
    cases: { type: 'string', default: CASES.join() },
    rounds: { type: 'string' },
    threads: { type: 'string', default: '2' },
    minutes: { type: 'string', default: '12' },
    python: { type: 'string', default: process.env['R_ZERO_BENCH_PYTHON'] ?? '' },
    gpu: { type: 'string' },
    eager: { type: 'boolean', default: false },
    llama: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const scratch = mkdtempSync(join(tmpdir(), 'r-zero-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

try {
  await run();
} catch (error) {
  if (!(error instanceof RZeroError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const [gpu] = flags.gpu === undefined ? [] : listed('gpu', PRECISIONS, flags.gpu);
  const models = listed('models', MODELS, flags.models ?? MODELS.slice(0, gpu ? 3 : 2).join());
  const cases: readonly Case[] = listed('cases', CASES, flags.cases);
  const rounds = flags.rounds === undefined ? (flags.quick ? 1 : 3) : number('rounds', flags.rounds);
  const [threads, minutes] = [number('threads', flags.threads), number('minutes', flags.minutes)];
  const python = flags.python || (await torchPython(say));
  const llama = flags.llama ? await llamaPython(say) : '';
  // Its tokenizer makes the questions of both.
  const real = await modelFolderOf('smollm2-135m', scratch, say);
  const started = performance.now();
  const found: Record<string, ReturnType<typeof metricsOf>> = {};
  for (const [index, model] of models.entries()) {
    const path = model === 'smollm2-135m' ? real : await modelFolderOf(model, scratch, say);
    const { vocab_size: vocabSize } = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')) as {
      vocab_size: number;
    };
    const prompts = join(scratch, `${model}.json`);
    writeFileSync(prompts, JSON.stringify(await questionPrompts(real, QUESTIONS, vocabSize)));
    say(model);
    const compared = await compareModel({
      path,
      prompts,
      scratch,
      python,
      threads,
      rounds,
      cases,
      quick: flags.quick,
      eager: flags.eager,
      gpu,
      until: started + (minutes * 60_000 * (index + 1)) / models.length,
      report: say,
    });
    found[model] = metricsOf(compared, clockOf({ gpu }));
    if (flags.llama && model === 'smollm2-135m') {
      const rate = await llamaRate(llama, path, prompts, flags.quick);
      const { ours, torch } = compared.cases.generate ?? {};
      const others = [ours, torch].map((answer) =>
        answer?.tokens === undefined ? '–' : (answer.tokens / answer.cpu).toFixed(1),
      );
      say(
        `  tokens of grouped generation per processor second: engine ${others[0]}, transformers ${others[1]}, llama.cpp ${rate.toFixed(1)}`,
      );
    }
  }
  if (!flags.llama) say('llama.cpp was not measured; `--llama` does it.');
  for (const line of metricLines(found)) say(line);
  if (flags.json) say(JSON.stringify(asJson(found)));
}

function listed<T extends string>(name: 'models' | 'cases' | 'gpu', known: readonly T[], list: string): T[] {
  const wanted = list.split(',');
  const unknown = wanted.find((one) => !(known as readonly string[]).includes(one));
  if (unknown === undefined) return known.filter((one) => wanted.includes(one));
  throw new RZeroError('EngineRequestInvalid', `--${name} names "${unknown}".`, {
    field: name,
    fix: `Known: ${known.join(', ')}.`,
  });
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RZeroError('EngineRequestInvalid', `--${name} is "${text}".`, {
    field: name,
    fix: 'Give a whole number of at least 1.',
  });
}
