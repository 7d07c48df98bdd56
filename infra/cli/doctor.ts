import { resolve } from 'node:path';
import { findBuildTools } from '../setup/tensorflow.ts';
import {
  checkBaseModel,
  checkCompiler,
  checkDataDir,
  checkDependencies,
  checkDisk,
  checkNode,
  checkPostgres,
  checkPython,
  checkTemporal,
  checkTensorFlow,
} from './doctor-checks.ts';
import type { DoctorCheck } from './doctor-checks.ts';

export type { DoctorCheck } from './doctor-checks.ts';

export interface DoctorReport {
  /** True when nothing is `missing`: a start will work. */
  ok: boolean;
  /** What the engine will compute with; undefined when set-up has yet to choose. */
  backend: 'cuda' | 'cpu' | 'wasm' | undefined;
  checks: DoctorCheck[];
}

export interface DoctorOptions {
  /** @default `.r-zero` in the working directory */
  dataDir?: string;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
}

/** Looks at everything a start needs. Downloads and starts nothing; takes a few seconds, because TensorFlow is loaded for real. */
export async function runDoctor({ dataDir = '.r-zero', env = process.env }: DoctorOptions = {}): Promise<DoctorReport> {
  const context = { env, dataDir: resolve(dataDir), ...(await findBuildTools(env)) };
  const [tensorflow, temporal, postgres] = await Promise.all([
    checkTensorFlow(context),
    checkTemporal(context),
    checkPostgres(context),
  ]);
  const { backend, ...tensorflowCheck } = tensorflow;
  const nativeReady = backend === 'cuda' || backend === 'cpu';
  const temporalReady = temporal.state === 'ok';
  const checks = [
    checkNode(),
    checkDependencies(),
    // Without them TensorFlow falls back to WebAssembly, which is slower but works; Temporal has no such way out.
    checkPython(context, !temporalReady || (!nativeReady && backend !== 'wasm')),
    checkCompiler(context, !nativeReady && backend !== 'wasm'),
    tensorflowCheck,
    temporal,
    postgres,
    checkBaseModel(),
    checkDataDir(context),
    ...checkDisk(context),
  ];
  return { ok: checks.every(({ state }) => state !== 'missing'), backend, checks };
}

const MARKS = { ok: '✓', warn: '!', missing: '✗' } as const;

/** The report as text, one check a line, with the fix below each problem. */
export function formatDoctorReport({ ok, backend, checks }: DoctorReport): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, state, detail, fix }) => [
    `${MARKS[state]} ${name.padEnd(width)}  ${detail}`,
    ...(fix ? [`  ${' '.repeat(width)}  → ${fix}`] : []),
  ]);
  const engine = { cuda: 'TensorFlow on the GPU (CUDA)', cpu: 'TensorFlow on the CPU', wasm: 'WebAssembly' };
  const verdict = ok ? 'Everything needed is here.' : 'Something needed is missing; see the lines marked ✗.';
  return [...lines, '', `Engine: ${backend ? engine[backend] : 'chosen at the first start'}. ${verdict}`].join('\n');
}

/** The `doctor` command: prints the report and returns the exit code, 0 when everything needed is there. */
export async function doctor(options: DoctorOptions & { json?: boolean } = {}): Promise<number> {
  const report = await runDoctor(options);
  console.log(options.json ? JSON.stringify(report) : formatDoctorReport(report));
  return report.ok ? 0 : 1;
}
