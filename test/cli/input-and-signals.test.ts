import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { RZeroError } from '../../activities/errors.ts';
import { databaseAnswers, locateStack, workerEnvironment } from '../../infra/cli/endpoints.ts';
import { catchInterrupts, orAborted, pause } from '../../infra/cli/interrupts.ts';
import { Interrupted } from '../../infra/cli/report-error.ts';
import { readRunInput } from '../../infra/cli/run-input-text.ts';
import { effectiveStatus } from '../../infra/cli/run-workflow.ts';

const folder = mkdtempSync(join(tmpdir(), 'r-zero-cli-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof RZeroError);
    assert.ok(error.fix, 'has a fix');
    return `${error.code} ${error.field}`;
  }
  return assert.fail('did not fail');
}

describe('--input', () => {
  test('takes JSON, or a file, and options are laid over it', () => {
    const path = join(folder, 'run.json');
    writeFileSync(path, '{"seed": 4, "labelling": {"votes": 3}}');
    const expected = { seed: 5, labelling: { votes: 3 }, iterations: 2 };
    assert.deepEqual(readRunInput(`@${path}`, { seed: 5, iterations: 2, preset: undefined }), expected);
    assert.deepEqual(readRunInput('{"seed": 4, "labelling": {"votes": 3}, "iterations": 2}', { seed: 5 }), expected);
    assert.deepEqual(readRunInput(undefined, {}), {});
  });

  test('names what is wrong with it', () => {
    for (const text of ['', '{', '[]', 'null', '3', '"x"', `@${join(folder, 'missing.json')}`, `@${folder}`])
      assert.equal(
        codeOf(() => readRunInput(text, {})),
        'RunInputInvalid --input',
        text,
      );
    assert.equal(
      codeOf(() => readRunInput('{"sead": 1}', {})),
      'RunInputInvalid sead',
    );
    assert.equal(
      codeOf(() => readRunInput('{"gate": {"lower": 2}}', {})),
      'RunInputInvalid gate.lower',
    );
  });
});

describe('signals', () => {
  test('the first one asks for a clean stop and tells the person', () => {
    let told = 0;
    const interrupts = catchInterrupts(() => (told += 1));
    try {
      process.emit('SIGTERM');
      assert.equal(told, 1);
      assert.ok(interrupts.signal.reason instanceof Interrupted);
      assert.equal(interrupts.signal.reason.exitCode, 143);
    } finally {
      interrupts.release();
    }
  });

  test('come twice for one key press under npm: only a later one ends the process at once', (t) => {
    t.mock.timers.enable({ apis: ['Date'] });
    const exit = t.mock.method(process, 'exit', () => undefined as never);
    const interrupts = catchInterrupts(() => undefined);
    try {
      process.emit('SIGINT');
      t.mock.timers.tick(30);
      process.emit('SIGINT');
      assert.equal(exit.mock.callCount(), 0);
      t.mock.timers.tick(2_000);
      process.emit('SIGINT');
      assert.deepEqual(exit.mock.calls[0]?.arguments, [130]);
    } finally {
      interrupts.release();
    }
  });

  test('are given back', () => {
    const before = process.listenerCount('SIGINT');
    catchInterrupts(() => undefined).release();
    assert.equal(process.listenerCount('SIGINT'), before);
  });

  test('end a wait at once, and nothing is begun after them', async () => {
    const controller = new AbortController();
    const reason = new Interrupted('SIGINT');
    const waiting = Promise.all([
      assert.rejects(pause(controller.signal, 60_000), reason),
      assert.rejects(
        orAborted(controller.signal, () => new Promise<never>(() => undefined)),
        reason,
      ),
    ]);
    controller.abort(reason);
    await waiting;
    let begun = false;
    await assert.rejects(
      orAborted(controller.signal, () => Promise.resolve((begun = true))),
      reason,
    );
    assert.equal(begun, false);
  });

  test('do not hide the result or the failure of work that was quicker', async () => {
    const { signal } = new AbortController();
    assert.equal(await orAborted(signal, () => Promise.resolve(3)), 3);
    await assert.rejects(
      orAborted(signal, () => Promise.reject(new Error('own'))),
      /own/,
    );
    await pause(signal, 1);
  });
});

describe('finding the servers', () => {
  test('without a stack the fix is to start one', async () => {
    await assert.rejects(locateStack(join(folder, 'none'), {}), (error: unknown) => {
      assert.ok(error instanceof RZeroError);
      assert.equal(error.code, 'TemporalUnreachable');
      assert.match(error.fix ?? '', /npx r-zero up/);
      return true;
    });
    assert.equal(await databaseAnswers(join(folder, 'none'), {}), false);
  });

  test('a server of the user’s own that does not answer is named, without its password', async () => {
    const env = { DATABASE_URL: 'postgresql://me:secret@127.0.0.1:1/db' };
    await assert.rejects(databaseAnswers(folder, env), (error: unknown) => {
      assert.ok(error instanceof RZeroError);
      assert.equal(error.code, 'DatabaseUnreachable');
      assert.doesNotMatch(`${error.message} ${error.stack}`, /secret/);
      return true;
    });
  });

  test('a worker for our servers does not inherit the settings of others', () => {
    const env = { PATH: '/bin', TEMPORAL_API_KEY: 'key', TEMPORAL_ADDRESS: 'cloud:7233', DATABASE_URL: 'old' };
    const own = workerEnvironment(
      { databaseUrl: 'new', dataDir: folder, temporal: { address: 'a:1', namespace: 'n' } },
      env,
    );
    assert.deepEqual(own, {
      PATH: '/bin',
      DATABASE_URL: 'new',
      R_ZERO_DATA_DIR: folder,
      TEMPORAL_ADDRESS: 'a:1',
      TEMPORAL_NAMESPACE: 'n',
    });
    const users = workerEnvironment({ databaseUrl: 'new', dataDir: folder, temporal: {} }, env);
    assert.equal(users['TEMPORAL_API_KEY'], 'key');
    assert.equal(users['TEMPORAL_ADDRESS'], 'cloud:7233');
  });
});

describe('the status that is shown', () => {
  const workflow = (open: boolean, status?: 'parked' | 'running') =>
    ({ workflowId: 'r-zero/x', temporalStatus: open ? 'RUNNING' : 'TERMINATED', open, status }) as const;

  test('is the workflow’s while that is open', () => {
    assert.equal(effectiveStatus('running', workflow(true, 'parked')), 'parked');
    assert.equal(effectiveStatus('paused', workflow(true)), 'paused');
  });

  test('is "stopped" when nothing works on a run that is not over', () => {
    assert.equal(effectiveStatus('running', undefined), 'stopped');
    assert.equal(effectiveStatus('parked', workflow(false)), 'stopped');
  });

  test('is the stored one once the run is over', () => {
    assert.equal(effectiveStatus('completed', undefined), 'completed');
    assert.equal(effectiveStatus('cancelled', workflow(false)), 'cancelled');
  });
});
