/**
 * `npm run test:soak -- [--minutes M] [--seed S] [--json]`: the fault matrix, and the tests that have a long form. Exit code 1 when
 * anything was lost, duplicated, unequal or unfinished, or when a test failed. With `--json` the last line is `Totals` as JSON.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { provisionNatives } from '../../infra/setup/provision.ts';
import { canMount } from '../support/memory-disk.ts';
import { stopAllClusters } from '../support/cluster.ts';
import { installQuietRuntime } from '../support/temporal.ts';
import { FAULTS } from './faults/index.ts';
import { runPlan } from './matrix/lanes.ts';
import { Plan } from './matrix/plan.ts';
import { failuresOf, renderMatrix, totalsOf } from './matrix/results.ts';
import type { StruckRun } from './matrix/struck-run.ts';

/** They read R_ZERO_SOAK. */
const LONG_TESTS = ['test/engine/memory.test.ts', 'test/e2e/rollback.test.ts', 'test/oracles/agreement.test.ts'];
/** What they take on two cores; with less time than twice this they are left out. */
const LONG_TESTS_MINUTES = 6;
/** For a run to end that was struck at the last moment. */
const LAST_RUN_MINUTES = 1;
/** One more than two cores can compute for: most of the time all but one are waiting. */
const LANES = 3;

const ROOT = join(import.meta.dirname, '..', '..');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function readArguments(): { minutes: number; seed: number; json: boolean } {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '40' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (!(minutes > 0)) throw new Error(`--minutes is "${values.minutes}": give a number above 0.`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed is "${values.seed}": give a whole number.`);
  return { minutes, seed, json: values.json };
}

async function strike(seed: number, minutes: number): Promise<StruckRun[]> {
  const started = performance.now();
  const smallDisks = canMount();
  const faults = FAULTS.filter((fault) => smallDisks || !fault.needsSmallDisks);
  if (!smallDisks) say('Full disks are left out: this account may not mount file systems.');
  const clock = (): string => `${((performance.now() - started) / 60_000).toFixed(1)} min`;
  let count = 0;
  const runs = await runPlan(new Plan(faults, seed), {
    lanes: LANES,
    cluster: { smallDisks },
    deadline: started + minutes * 60_000,
    onBlow: ({ fault, phase, problem }, runId) => {
      count += 1;
      const what = problem === undefined ? fault : `${fault} ✗ ${problem}`;
      say(`${clock()} ${String(count).padStart(4)} ${runId} ${phase}: ${what}`);
    },
  });
  const { faults: injected, finished, lost, duplicated, hashesEqual, repeatedAtMost } = totalsOf(runs);
  say(`\n${renderMatrix(faults, runs)}\n`);
  say(
    `${injected} faults in ${runs.length} runs (seed ${seed}, ${clock()}): ${finished} runs finished, ${lost} rows lost, ` +
      `${duplicated} rows duplicated, hashes ${hashesEqual ? 'equal' : 'NOT equal'}, at most ${repeatedAtMost} unit repeated after a fault.`,
  );
  return runs;
}

async function runLongTests(): Promise<boolean> {
  const child = spawn(process.execPath, [join(ROOT, 'infra', 'setup', 'test.mjs'), ...LONG_TESTS], {
    cwd: ROOT,
    env: { ...process.env, R_ZERO_SOAK: '1' },
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

const { minutes, seed, json } = readArguments();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stopAllClusters().finally(() => process.exit(130)));
installQuietRuntime();
await provisionNatives(['postgres', 'temporal', 'tensorflow']);
const withLongTests = minutes >= 2 * LONG_TESTS_MINUTES;
const runs = await strike(
  seed,
  Math.max(minutes / 2, minutes - LAST_RUN_MINUTES - (withLongTests ? LONG_TESTS_MINUTES : 0)),
);
const failures = failuresOf(runs);
if (!withLongTests) say(`${LONG_TESTS.join(', ')} left out for lack of time.`);
else if (!(await runLongTests())) failures.push(`${LONG_TESTS.join(', ')}: see above`);
failures.forEach((failure) => say(`✗ ${failure}`));
if (json) say(JSON.stringify(totalsOf(runs)));
await stopAllClusters();
// Temporal's native runtime keeps a process alive whose connections were cut under it.
process.exit(failures.length > 0 ? 1 : 0);
