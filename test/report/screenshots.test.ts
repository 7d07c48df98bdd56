/**
 * The pictures of the documentation, made anew of two real runs. The data directory keeps them, so that they are made once:
 * `R_ZERO_SCREENSHOTS=/tmp/pictures npx tsx --test test/report/screenshots.test.ts`
 */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from '../e2e/support/command.ts';
import { temporaryFolder } from '../support/activities.ts';
import { openBrowser } from '../support/browser.ts';

const dataDir = process.env['R_ZERO_SCREENSHOTS'];
const browser = dataDir ? await openBrowser() : undefined;
const IMAGES = fileURLToPath(new URL('../../infra/report/images/', import.meta.url));
const MOST_BYTES = 200_000;

test(
  'the demo and its control look as the README shows them',
  { skip: browser ? browser.missing : 'R_ZERO_SCREENSHOTS names no data directory to make the pictures from' },
  async () => {
    const folder = temporaryFolder();
    const output = join(folder, 'report.html');
    for (const args of [
      ['demo', '--seed', '1'],
      ['demo', '--seed', '1', '--control', 'random-reward'],
      ['report', '--run', 'demo', '--output', output],
      ['report', '--run', 'demo', '--compare', 'demo-random-reward', '--output', join(folder, 'two.html')],
    ]) {
      const { code, stderr } = await run([...args, `--data-dir=${resolve(dataDir!)}`]);
      assert.equal(code, 0, stderr);
    }
    const shoot = async (name: string, file: string, width: number, colorScheme: 'light' | 'dark', from: string) => {
      const page = await browser!.newPage({ viewport: { width, height: 1010 }, colorScheme });
      await page.goto(pathToFileURL(file).href);
      await page.locator('.questions > li').first().waitFor();
      await page.evaluate(`document.querySelector('${from}').scrollIntoView()`);
      const path = join(IMAGES, name);
      await page.screenshot({ path });
      const { size } = await stat(path);
      assert.ok(size < MOST_BYTES, `${name} has ${size} bytes`);
    };
    await shoot('report.png', output, 1120, 'light', 'body');
    await shoot('report-two-dark.png', join(folder, 'two.html'), 1120, 'dark', '#accuracy');
    await shoot('report-phone.png', output, 375, 'light', '#reader');
  },
);
