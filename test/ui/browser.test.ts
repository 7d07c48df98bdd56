import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RZeroError } from '../../activities/errors.ts';
import { openBrowser } from '../support/browser.ts';
import { ensureChromium } from '../support/chromium.ts';

const PAGE = `<!doctype html><meta charset="utf-8"><button onclick="this.textContent = 'pressed █'">press</button>
<script>setTimeout(() => { throw new Error('uncaught here'); })</script>`;
const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(PAGE));
const browser = await openBrowser();

/** Whether the npm registry has one for this kind of machine. */
const isCarried = process.platform === 'linux' && process.arch === 'x64';

let address: string;
let folder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'r-zero-test-browser-'));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A program that says what it is told to say. */
function pretend(name: string, says: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho '${says}'\n`);
  chmodSync(path, 0o755);
  return path;
}

test(
  'a page served here is loaded, its script runs, and what it throws is heard',
  { skip: browser.missing },
  async () => {
    const page = await browser.newPage();
    await page.goto(address);
    await page.click('button');
    assert.equal(await page.textContent('button'), 'pressed █');
    assert.deepEqual(browser.pageErrors, ['uncaught here']);
  },
);

test('no page reaches beyond this machine', { skip: browser.missing }, async () => {
  const page = await browser.newPage();
  await assert.rejects(page.goto('http://example.org/'), /ERR_NAME_NOT_RESOLVED/);
});

test('a browser of the machine is taken before one is fetched, and what only has its name is passed over', async () => {
  const good = pretend('bin/google-chrome', 'Google Chrome 156.0.1.2');
  pretend('bin/chromium', 'something else');
  const env = { PATH: `${join(folder, 'bin')}:/bin:/usr/bin`, R_ZERO_CACHE: join(folder, 'cache') };
  const found = await ensureChromium({ env, installed: ['chromium', 'google-chrome'] });
  assert.deepEqual(found, { path: good, env: {}, source: 'machine' });
});

test('a named browser that does not work is refused by the name of its setting', async () => {
  const env = { R_ZERO_CHROMIUM: pretend('no-browser', 'hello') };
  await assert.rejects(ensureChromium({ env }), (error) => {
    assert.ok(error instanceof RZeroError);
    assert.deepEqual([error.code, error.field], ['SetupFailed', 'R_ZERO_CHROMIUM']);
    return true;
  });
});

test('where npm cannot fetch one, it is said what would help', { skip: !isCarried }, async () => {
  const npm = join(folder, 'npm.mjs');
  writeFileSync(npm, 'process.stderr.write("npm error network down"); process.exit(1);');
  const env = { ...process.env, R_ZERO_CHROMIUM: '', R_ZERO_CACHE: join(folder, 'cache'), npm_execpath: npm };
  await assert.rejects(
    ensureChromium({ env, installed: [], report: () => undefined }),
    /npm failed \(exit code 1: npm error network down\).*R_ZERO_CHROMIUM/,
  );
});

test('an altered package is not unpacked', { skip: !isCarried }, async () => {
  const npm = join(folder, 'altered.mjs');
  writeFileSync(
    npm,
    `import { writeFileSync } from 'node:fs';
writeFileSync('sparticuz-chromium-153.0.0.tgz', 'not what it was');`,
  );
  const env = { ...process.env, R_ZERO_CHROMIUM: '', R_ZERO_CACHE: join(folder, 'cache'), npm_execpath: npm };
  await assert.rejects(
    ensureChromium({ env, installed: [], report: () => undefined }),
    /has sha-512 \w+, not the one that is pinned/,
  );
});
