import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { RequestOptions } from 'node:http';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import { watchReport } from '../../infra/report/watch-server.ts';
import type { WatchServer } from '../../infra/report/watch-server.ts';
import { openBrowser } from '../support/browser.ts';
import { createDatabase } from '../support/postgres.ts';
import { storeIteration, storeRun } from '../support/stored-run.ts';

const browser = await openBrowser();

describe('a watched report', () => {
  let pool: pg.Pool;
  let server: WatchServer;
  const failures: unknown[] = [];

  const ask = (options: RequestOptions = {}): Promise<{ status: number | undefined; text: string }> =>
    new Promise((resolve, reject) => {
      const asked = request(server.address, options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      asked.on('error', reject).end();
    });

  before(async () => {
    ({ pool } = await createDatabase());
    await storeRun(pool, 'run', { iterations: 2 });
    await pool.query(`update r_zero.runs set iterations = 3, status = 'running'`);
    server = await watchReport(pool, { runId: 'run', port: 0, onError: (error) => failures.push(error) });
  });
  after(() => server.close());

  test('is served to this machine by its own names, and only read', async () => {
    const { port } = new URL(server.address);
    assert.equal((await ask()).status, 200);
    assert.equal((await ask({ headers: { host: `localhost:${port}` } })).status, 200);
    for (const host of ['example.com', `example.com:${port}`, '127.0.0.1', `127.0.0.1.example.com:${port}`]) {
      assert.equal((await ask({ headers: { host } })).status, 403, host);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
      assert.equal((await ask({ method })).status, 405, method);
    }
    assert.equal((await ask({ path: '/../etc/passwd' })).status, 404);
  });

  test('says which port is taken, and what to do', async () => {
    const port = Number(new URL(server.address).port);
    const second = watchReport(pool, { runId: 'run', port, onError: () => undefined });
    await assert.rejects(second, { code: 'PortInUse', field: 'port' });
  });

  test('changes its version with the rows, and only with them', async () => {
    const version = async () => (await ask({ path: '/version' })).text;
    const first = await version();
    assert.equal(await version(), first);
    await pool.query(`update r_zero.runs set status = 'paused'`);
    assert.notEqual(await version(), first);
  });

  test('shows what is new without losing place, filter and open questions', { skip: browser.missing }, async () => {
    const problems: string[] = [];
    const page = await browser.newPage();
    page.on('console', (message) => problems.push(message.text()));
    await page.goto(server.address);
    await page.locator('.questions > li').first().waitFor();
    await page.locator('#reader-filters').getByLabel('Iteration').selectOption('2');
    await page.locator('.found', { hasText: /^60 of 168/ }).waitFor();
    await page.locator('#accuracy-held-out-numbers > summary').click();
    const entry = page.locator('.entry').nth(5);
    await entry.locator('summary').click();
    await entry.locator('.answers').waitFor();
    const question = await entry.locator('.question').textContent();
    const top = async (): Promise<number> => (await entry.boundingBox())!.y;
    const before = await top();
    await storeIteration(pool, 'run', 3, {});
    await page.locator('#accuracy-held-out tbody tr').nth(3).waitFor();
    await page.locator('.found', { hasText: /^60 of 252/ }).waitFor();
    await page.locator('#alarms > p', { hasText: 'No alarm is raised: 9 judgements' }).waitFor();
    assert.equal(await page.locator('#accuracy-held-out-numbers').getAttribute('open'), '');
    assert.equal(await entry.locator('.question').textContent(), question);
    await entry.locator('.answers').waitFor();
    assert.ok(Math.abs((await top()) - before) < 2, `the page moved from ${before} to ${await top()}`);
    assert.deepEqual(await page.locator('#reader-filters [name=iteration] option').allTextContents(), [
      'all',
      '1',
      '2',
      '3',
    ]);
    await pool.query(
      `insert into r_zero.alarms (run_id, iteration, phase, alarm, raised, action, value, threshold, message)
       values ('run', 3, 'evaluation', 'belowBase', true, 'pause', 3.5, 3.09, 'Far below.')`,
    );
    await page.locator('#alarms-raised', { hasText: 'Far below.' }).waitFor();
    assert.deepEqual([problems, browser.pageErrors, failures], [[], [], []]);
  });

  test('says when it is not connected any more', { skip: browser.missing }, async () => {
    const other = await watchReport(pool, { runId: 'run', port: 0, onError: () => undefined });
    const page = await browser.newPage();
    await page.goto(other.address);
    await page.locator('#watch', { hasText: 'live' }).waitFor();
    await other.close();
    await page.locator('#watch', { hasText: 'not connected' }).waitFor();
    assert.ok(await page.locator('#accuracy-held-out').count());
  });
});
