import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RZeroError } from '../../activities/errors.ts';
import { startWorkerProcess } from '../../infra/cli/worker-process.ts';
import type { WorkerProcess } from '../../infra/cli/worker-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'r-zero-worker-process-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const READY = `process.send({ type: 'ready', taskQueues: ['r-zero'], namespace: 'default' });`;
const STAY = `process.on('SIGTERM', () => process.exit(0)); process.on('disconnect', () => process.exit(0)); setInterval(() => {}, 1000);`;

let made = 0;

function start(source: string, settings: { mostQuickDeaths?: number; quickMs?: number; readyMs?: number } = {}) {
  made += 1;
  const entry = join(folder, `worker-${made}.mjs`);
  const logFile = join(folder, 'logs', `worker-${made}.log`);
  writeFileSync(entry, source);
  const notices: string[] = [];
  const worker = startWorkerProcess({
    env: { ...process.env, GREETING: 'hello' },
    logFile,
    entry,
    backoffMs: 10,
    onNotice: (text) => notices.push(text),
    ...settings,
  });
  return { worker, notices, logFile };
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    assert.ok(waited < 10_000, 'waited too long');
    await sleep(20);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: it is gone.
    return false;
  }
}

async function failureOf(worker: WorkerProcess): Promise<RZeroError> {
  const error = await worker.lost.catch((failure: unknown) => failure);
  assert.ok(error instanceof RZeroError);
  return error;
}

describe('the worker process', () => {
  test('is ready when it says so, writes to its log, and stops when asked', async () => {
    const { worker, notices, logFile } = start(`console.log(process.env.GREETING); ${STAY} ${READY}`);
    await worker.ready;
    const { pid } = worker;
    assert.ok(pid !== undefined && isAlive(pid));
    await worker.stop();
    assert.ok(!isAlive(pid));
    assert.equal(readFileSync(logFile, 'utf8'), 'hello\n');
    assert.deepEqual(notices, []);
  });

  test('is started again after a kill -9, with a notice', async () => {
    const { worker, notices } = start(`${STAY} ${READY}`);
    await worker.ready;
    const first = worker.pid;
    assert.ok(first !== undefined);
    process.kill(first, 'SIGKILL');
    await until(() => worker.pid !== undefined && worker.pid !== first);
    assert.equal(worker.restarts, 1);
    assert.match(notices[0] ?? '', /SIGKILL.*started again/);
    await worker.stop();
  });

  test('is given up after several quick deaths in a row, naming the log', async () => {
    const { worker, notices, logFile } = start('process.exit(3);', { mostQuickDeaths: 3 });
    const error = await failureOf(worker);
    assert.equal(error.code, 'EngineCrashed');
    assert.match(error.message, /exit code 3, 3 times in a row/);
    assert.ok(error.fix?.includes(logFile));
    assert.equal(notices.length, 2);
    await assert.rejects(worker.ready, { code: 'EngineCrashed' });
    await worker.stop();
  });

  test('may die again and again when it lived for a while each time', async () => {
    const { worker } = start(`${READY} setTimeout(() => process.exit(1), 60);`, { mostQuickDeaths: 2, quickMs: 20 });
    await until(() => worker.restarts >= 4);
    await worker.stop();
  });

  test('passes on why it cannot run, at once when no new start can help', async () => {
    const failed = (code: string) =>
      `process.send({ type: 'failed', code: '${code}', message: 'Because.' }, () => process.exit(1));`;
    const hopeless = start(failed('DatabaseNewer'));
    assert.equal((await failureOf(hopeless.worker)).code, 'DatabaseNewer');
    assert.equal(hopeless.worker.restarts, 0);
    const passing = start(failed('DatabaseUnreachable'), { mostQuickDeaths: 2 });
    const error = await failureOf(passing.worker);
    assert.equal(error.code, 'DatabaseUnreachable');
    assert.match(error.message, /^Because\./);
    assert.equal(passing.worker.restarts, 1);
  });

  test('that never gets ready is ended', async () => {
    const { worker } = start('setInterval(() => {}, 1000);', { readyMs: 300, mostQuickDeaths: 1 });
    assert.match((await failureOf(worker)).message, /not ready within 0\.3 s/);
  });

  test('is not started again once it is being stopped', async () => {
    const { worker } = start(`${READY} process.on('SIGTERM', () => process.exit(9)); setInterval(() => {}, 1000);`);
    await worker.ready;
    await worker.stop();
    await sleep(100);
    assert.equal(worker.pid, undefined);
    assert.equal(worker.restarts, 0);
  });
});
