/**
 * A real, headless Chromium for tests of pages served on this machine. One browser a test file, closed after its tests:
 *
 *     const browser = await openBrowser();
 *     test('the page shows ...', { skip: browser.missing }, async () => {
 *       const page = await browser.newPage();
 *       await page.goto(address);
 *
 * Where no Chromium can be had, `missing` says what to do; `R_ZERO_CHROMIUM=PATH` names one.
 */
import { after } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { RZeroError } from '../../activities/errors.ts';
import { ensureChromium } from './chromium.ts';

export type { Locator, Page } from 'playwright-core';

export interface TestBrowser {
  /** Why there is none, for `skip`; false when there is one. */
  readonly missing: string | false;
  /** A page with nothing stored from earlier ones. */
  newPage: (options?: BrowserContextOptions) => Promise<Page>;
  /** What the pages threw and no handler of theirs caught, e.g. for an assertion that there is nothing. */
  readonly pageErrors: string[];
}

const PAGE: BrowserContextOptions = {
  viewport: { width: 1280, height: 800 },
  colorScheme: 'light',
  locale: 'en-US',
  timezoneId: 'UTC',
};

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Pages under test are served here; nothing a page asks for elsewhere is part of a test.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

/** How long one thing on a page may take; the machine may be busy. */
const PATIENCE_MS = 20_000;

/** To be called at the top level of a test file. */
export async function openBrowser(): Promise<TestBrowser> {
  const pageErrors: string[] = [];
  let browser: Browser;
  try {
    const { path, env } = await ensureChromium();
    browser = await chromium.launch({ executablePath: path, args: ARGUMENTS, env: { ...process.env, ...env } });
  } catch (error) {
    if (!(error instanceof RZeroError) || error.code !== 'SetupFailed') throw error;
    const refuse = () => Promise.reject(error);
    return { missing: `no Chromium: ${error.message}`, newPage: refuse, pageErrors };
  }
  after(() => browser.close());
  return {
    missing: false,
    pageErrors,
    newPage: async (options = {}) => {
      const context = await browser.newContext({ ...PAGE, ...options });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      page.on('pageerror', ({ message }) => pageErrors.push(message));
      return page;
    },
  };
}
