import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, mock, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type pg from 'pg';
import { listRunsCommand } from '../../infra/cli/run-list.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { resetRunCommand } from '../../infra/cli/run-reset.ts';
import { resumeRunCommand } from '../../infra/cli/run-resume.ts';
import { startRunCommand, steerRunCommand } from '../../infra/cli/run-steering.ts';
import { describeWorkflow, openWorkflows } from '../../infra/cli/run-workflow.ts';
import type { Terminal } from '../../infra/cli/terminal.ts';
import { describeOwn, startRun } from '../../infra/client.ts';
import { FakeActivities } from '../support/fake-activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { addRun, finishUnit } from '../support/rows.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

const OPTIONS = { dataDir: 'not-used', json: true };

/** Notes what a command prints. */
function capture(): { terminal: Terminal; lines: string[] } {
  const lines: string[] = [];
  const out = (line = '') => void lines.push(line);
  const terminal = { out, note: out, style: (_: unknown, text: string) => text } as unknown as Terminal;
  return { terminal, lines };
}

describe('the run commands, on a running stack', () => {
  let server: TestWorkflowEnvironment;
  let pool: pg.Pool;
  let runId: string;
  const environment = { ...process.env };
  before(async () => {
    server = await startTestServer();
    const database = await createDatabase();
    pool = database.pool;
    process.env['DATABASE_URL'] = database.url;
    process.env['TEMPORAL_ADDRESS'] = server.address;
  });
  beforeEach(() => {
    runId = uniqueName('command');
  });
  after(async () => {
    process.env = environment;
    await server.teardown();
  });

  async function completeRun(config: object = {}): Promise<void> {
    await addRun(pool, runId, { config });
    const { rows } = await pool.query('select iteration, phase, units from r_zero.phases where run_id = $1', [runId]);
    for (const { iteration, phase, units } of rows) {
      for (let unit = 0; unit < units; unit += 1) await finishUnit(pool, { runId, iteration, phase, unit });
    }
    await pool.query(`update r_zero.runs set status = 'completed' where run_id = $1`, [runId]);
  }

  /** A parked workflow of the run, under an id of its own as from the UI, while `use` runs. */
  async function withParkedWorkflow(workflowId: string, use: () => Promise<void>): Promise<void> {
    const fake = new FakeActivities({ iterations: 1 });
    fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions'));
    const taskQueue = uniqueName('command');
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const { workflow } = server.client;
      const handle = await workflow.start('rZeroRun', { workflowId, taskQueue, args: [{ runId }] });
      await until(
        () => describeWorkflow(server.client, runId),
        (state) => state?.status === 'parked',
      );
      await use();
      await handle.terminate();
    });
  }

  test('start says that a run is complete, succeeds, and starts nothing', async () => {
    await completeRun();
    const { terminal, lines } = capture();
    await startRunCommand(OPTIONS, { runId }, terminal);
    assert.deepEqual(JSON.parse(lines[0] ?? ''), { runId, started: false, workflowId: null, page: null });
    await startRunCommand({ ...OPTIONS, json: false }, { runId }, terminal);
    assert.match(lines[1] ?? '', /is complete\. Plan more with: npx r-zero run extend/);
    assert.equal(await describeOwn(server.client, runId), undefined);
  });

  test('start of a complete run with more iterations goes on', async () => {
    await completeRun();
    const { terminal, lines } = capture();
    await startRunCommand(OPTIONS, { runId, iterations: 3 }, terminal);
    assert.equal(JSON.parse(lines[0] ?? '').started, true);
    await (await describeOwn(server.client, runId))?.handle.terminate();
  });

  test('start with other settings than the stored ones is refused before a workflow starts', async () => {
    await addRun(pool, runId);
    await assert.rejects(startRunCommand(OPTIONS, { runId, seed: 7 }, capture().terminal), {
      code: 'RunConflict',
      field: 'seed',
    });
    assert.equal(await describeOwn(server.client, runId), undefined);
  });

  test('start of a run that goes on under another workflow id is refused, and names that workflow', async () => {
    const workflowId = uniqueName('from-the-ui');
    await withParkedWorkflow(workflowId, async () => {
      await assert.rejects(startRunCommand(OPTIONS, { runId }, capture().terminal), (error: Error) => {
        assert.match(error.message, new RegExp(`going on already, as workflow ${workflowId}`));
        return true;
      });
    });
  });

  test('list shows what the workflows say, with one list query however many runs there are', async () => {
    await completeRun();
    const complete = runId;
    runId = uniqueName('stopped');
    await addRun(pool, runId);
    const stopped = runId;
    runId = uniqueName('parked');
    await addRun(pool, runId);
    await withParkedWorkflow(uniqueName('from-the-ui'), async () => {
      const { terminal, lines } = capture();
      await listRunsCommand(OPTIONS, terminal);
      const listed = JSON.parse(lines[0] ?? '') as { runId: string; status: string }[];
      const statusOf = (id: string) => listed.find((run) => run.runId === id)?.status;
      assert.equal(statusOf(complete), 'completed');
      assert.equal(statusOf(stopped), 'stopped');
      assert.equal(statusOf(runId), 'parked');

      const list = mock.method(server.client.workflow, 'list');
      const workflowOf = await openWorkflows(server.client);
      for (const id of [complete, stopped, runId, 'unknown']) await workflowOf(id);
      assert.equal(list.mock.callCount(), 1);
      list.mock.restore();
    });
  });

  test('a run that has just been started is found although the list lags behind', async () => {
    const workflowOf = await openWorkflows(server.client);
    const { workflowId } = await startRun(server.client, { runId }, { taskQueue: uniqueName('nobody') });
    assert.equal((await workflowOf(runId))?.open, true);
    await server.client.workflow.getHandle(workflowId).terminate();
  });

  test('cancel ends a run at once, or after its phase; one that is over has nothing to cancel', async () => {
    const cancel = async (afterPhase: boolean): Promise<Record<string, unknown>> => {
      const { terminal, lines } = capture();
      await steerRunCommand(OPTIONS, runId, { order: 'cancel', afterPhase }, terminal);
      return JSON.parse(lines[0] ?? '');
    };
    await addRun(pool, runId);
    await assert.rejects(cancel(false), { code: 'RunNotFound', message: /not going on.*nothing to cancel/ });

    const fake = new FakeActivities({ iterations: 1 });
    fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions'), 2);
    const taskQueue = uniqueName('command');
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const ends: [boolean, string][] = [
        [false, 'CANCELLED'],
        [true, 'COMPLETED'],
      ];
      for (const [afterPhase, end] of ends) {
        await startRun(server.client, { runId }, { taskQueue });
        await until(
          () => describeWorkflow(server.client, runId),
          (state) => state?.status === 'parked',
        );
        assert.equal((await cancel(afterPhase))['runId'], runId);
        await until(
          () => describeWorkflow(server.client, runId),
          (state) => state?.temporalStatus === end,
        );
        assert.equal(fake.statuses.at(-1)?.status, 'cancelled');
      }
    });
  });

  const words = async (work: (terminal: Terminal) => Promise<void>): Promise<string> => {
    const { terminal, lines } = capture();
    await work(terminal);
    return lines.join('\n');
  };
  const TEXT = { ...OPTIONS, json: false };

  test('resume and retry do what the state of the run asks for, and say what', async () => {
    await addRun(pool, runId);
    await withParkedWorkflow(`r-zero/${runId}`, async () => {
      await assert.rejects(
        resumeRunCommand(TEXT, runId, { order: 'retry', input: 3 as never }, capture().terminal),
        /input must be one JSON object, not 3/,
      );
      const said = await words((terminal) => resumeRunCommand(TEXT, runId, { order: 'retry' }, terminal));
      assert.match(said, /was parked: it tries what failed again\./);
    });
    // Terminated now, with its row as the workflow left it.
    const said = await words((terminal) => resumeRunCommand(TEXT, runId, { order: 'resume' }, terminal));
    assert.match(said, /was terminated: a new workflow continues it from Postgres/);
    assert.equal((await describeOwn(server.client, runId))?.description.status.name, 'RUNNING');
    await server.client.workflow.getHandle(`r-zero/${runId}`).terminate();

    await pool.query(`update r_zero.runs set status = 'waiting' where run_id = $1`, [runId]);
    await assert.rejects(resumeRunCommand(TEXT, runId, { order: 'retry' }, capture().terminal), {
      code: 'RunInputInvalid',
      message: /is waiting: nothing has failed .* run resume .* run reset-to/,
    });
    await pool.query(`update r_zero.runs set status = 'completed' where run_id = $1`, [runId]);
    await assert.rejects(resumeRunCommand(TEXT, runId, { order: 'resume' }, capture().terminal), {
      code: 'RunInputInvalid',
      message: /is complete: there is nothing to resume.*run extend.*run reset-to/,
    });
    await assert.rejects(resumeRunCommand(TEXT, 'nobody', { order: 'resume' }, capture().terminal), {
      code: 'RunNotFound',
    });
  });

  test('reset-to goes back in the database when the run has no workflow, and through it when it has', async () => {
    await completeRun(resolveRunInput({}).config);
    const place = { iteration: 2, phase: 'labelling' as const };
    const said = await words((terminal) =>
      resetRunCommand({ ...TEXT, ...place, stop: false, start: false }, runId, terminal),
    );
    assert.match(said, /is reset to iteration 2, labelling \(\d+ rows are marked as superseded; none is deleted\)/);
    assert.match(said, /Go on with: npx r-zero run resume/);
    const { rows } = await pool.query('select status, status_reason from r_zero.runs where run_id = $1', [runId]);
    assert.deepEqual(rows, [
      { status: 'waiting', status_reason: 'Reset to iteration 2, labelling. The next start goes on from there.' },
    ]);
    const { rows: takes } = await pool.query<{ requested_by: string }>(
      'select requested_by from r_zero.takes where run_id = $1',
      [runId],
    );
    assert.match(takes[0]!.requested_by, /.+@.+/);
    await withParkedWorkflow(`r-zero/${runId}`, async () => {
      const live = await words((terminal) =>
        resetRunCommand(
          { ...TEXT, iteration: 1, phase: 'dataset_generation', stop: false, start: true },
          runId,
          terminal,
        ),
      );
      assert.match(live, /is reset to iteration 1, dataset_generation\. It goes on from there\./);
    });
  });
});
