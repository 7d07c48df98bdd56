/** What a person does in the Temporal UI, in a real browser; the activities are fakes, so that nothing takes time. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { getSchedule } from '../../infra/schedules.ts';
import { statusQuery } from '../../workflows/messages.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import { openBrowser } from '../support/browser.ts';
import { FakeActivities, createGate } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';
import { TemporalUi } from './support/temporal-ui.ts';

const browser = await openBrowser();

describe('in the Temporal UI', { skip: browser.missing, timeout: 600_000 }, () => {
  let server: TestWorkflowEnvironment;
  let uiUrl: string;
  let ui: TemporalUi;
  let taskQueue: string;
  before(async () => {
    const uiPort = await freePort();
    server = await startTestServer({ uiPort });
    uiUrl = `http://127.0.0.1:${uiPort}`;
  });
  after(async () => await server.teardown());
  beforeEach(async () => {
    ui = new TemporalUi(await browser.newPage({ viewport: { width: 1280, height: 1600 } }), uiUrl);
    taskQueue = uniqueName('forms');
  });

  const runOf = (workflowId: string) => server.client.workflow.getHandle<typeof rZeroRun>(workflowId);
  const working = async (fake: FakeActivities, use: () => Promise<void>): Promise<void> =>
    await withWorkers(server.nativeConnection, { taskQueue, fake }, use);

  for (const [words, input] of [
    ['{}', '{}'],
    ['no input', undefined],
  ] as const) {
    test(`Start Workflow with ${words} starts a run named like the workflow`, async () => {
      const workflowId = uniqueName('started');
      const fake = new FakeActivities({ iterations: 1 });
      await working(fake, async () => {
        await ui.start({ workflowId, workflowType: 'rZeroRun', taskQueue, ...(input === undefined ? {} : { input }) });
        const result = await runOf(workflowId).result();
        assert.deepEqual([result.runId, result.status], [workflowId, 'completed']);
        assert.deepEqual(fake.inputs, [{}]);
        await ui.page.reload();
        await ui.page.getByText('Iteration 1').first().waitFor();
      });
    });
  }

  test('an input that is no object fails the run with what to type instead, and no path of the machine', async () => {
    const workflowId = uniqueName('wrong');
    await working(new FakeActivities(), async () => {
      await ui.start({ workflowId, workflowType: 'rZeroRun', taskQueue, input: '[1, 2]' });
      await assert.rejects(runOf(workflowId).result());
      await ui.page.reload();
      await ui.page.getByText('Start with {} for the demo run.').first().waitFor();
      assert.doesNotMatch(await ui.page.locator('body').innerText(), /run-request\.ts/);
    });
  });

  test('the list of updates says what each does; refusals are shown, and orders take effect', async () => {
    const workflowId = uniqueName('steered');
    const fake = new FakeActivities({ iterations: 1 });
    const gate = createGate();
    fake.before('labelling 1/0', gate.wait);
    await working(fake, async () => {
      const handle = await server.client.workflow.start<typeof rZeroRun>('rZeroRun', { workflowId, taskQueue });
      await gate.reached;
      await ui.openRun(workflowId);

      const offered = await ui.chooseUpdate('extend');
      assert.deepEqual(Object.keys(offered), ['pause', 'resume', 'resetTo', 'extend', 'cancelAfterPhase', 'Custom']);
      assert.match(offered['extend'] ?? '', /\{"iterations": 5\} is the new total; empty adds one/);
      assert.match(offered['pause'] ?? '', /Pause after the shard or step at work/);
      const refusal = await ui.submitUpdate('{"iterations": 1}');
      assert.match(refusal ?? '', /iterations is the new total and must be above 1, which is planned now/);
      assert.doesNotMatch(refusal ?? '', /\.ts:\d/);
      await ui.closeDialog();

      await ui.chooseUpdate('extend');
      assert.equal(await ui.submitUpdate('{"iterations": 2}'), undefined);
      await ui.openRun(workflowId);
      await ui.chooseUpdate('pause');
      assert.equal(await ui.submitUpdate('{"reason": "the GPU is wanted elsewhere"}'), undefined);
      gate.open();
      await until(
        () => handle.query(statusQuery),
        ({ status, iterations }) => status === 'paused' && iterations === 2,
      );
      await ui.openRun(workflowId);
      const paused = await ui.detailsUntil((text) => /paused/.test(text));
      assert.match(paused, /the GPU is wanted elsewhere/);
      assert.match(paused, new RegExp(`npx r-zero run resume ${workflowId}\n`));
      await ui.chooseUpdate('resume');
      assert.equal(await ui.submitUpdate(), undefined);
      assert.equal((await handle.result()).iterations, 2);
    });
  });

  test('a parked run says what to do; markup in its reason is shown as text and does nothing', async () => {
    const workflowId = uniqueName('parked');
    const fake = new FakeActivities({ iterations: 1 });
    const hostile = `the disk <img src="x" onerror="document.title = 'owned'"> is **full** <script>document.title = 'owned'</script>`;
    fake.fail('labelling 1/0', ApplicationFailure.nonRetryable(hostile, 'DiskFull'));
    await working(fake, async () => {
      const handle = await server.client.workflow.start<typeof rZeroRun>('rZeroRun', { workflowId, taskQueue });
      await until(
        () => handle.query(statusQuery),
        ({ status }) => status === 'parked',
      );
      await ui.openRun(workflowId);
      const details = await ui.detailsUntil((text) => /parked/.test(text));
      assert.ok(plain(details).includes(`label shard 1/3: DiskFull: ${hostile}`), details);
      assert.match(details, /Nothing is lost\. Mend the cause, then Send an Update resume/);
      for (const frame of ui.page.frames()) assert.notEqual(await frame.title(), 'owned');
      assert.equal(await ui.page.frameLocator('iframe').last().locator('img, script').count(), 0);

      await ui.chooseUpdate('resume');
      assert.equal(await ui.submitUpdate(), undefined);
      assert.equal((await handle.result()).status, 'completed');
    });
  });

  test('Create Schedule with {} makes nights of a run that has the name of the schedule', async () => {
    const name = uniqueName('every-night');
    const fake = new FakeActivities({ iterations: 1 });
    await working(fake, async () => {
      await ui.createSchedule({ name, workflowType: 'rZeroNightly', taskQueue, input: '{}', cron: '0 2 * * *' });
      const schedule = await getSchedule(server.client, name);
      assert.deepEqual([schedule.input, schedule.overlap, schedule.nextAt[0]?.getUTCHours()], [{}, 'SKIP', 2]);
      await server.client.schedule.getHandle(name).trigger();
      const handle = runOf(`r-zero/${name}`);
      await until(
        async () => (await handle.describe().catch(() => undefined))?.status.name,
        (status) => status === 'COMPLETED',
      );
      assert.deepEqual([(fake.inputs[0] as { runId: string }).runId], [name]);
    });
  });
});

/** Without the typography that the UI gives to running text. */
function plain(text: string): string {
  return text.replace(/[“”]/g, '"').replace(/[‘’]/g, "'").replaceAll('⁄', '/');
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
