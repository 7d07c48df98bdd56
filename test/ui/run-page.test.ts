/**
 * The page of a run in the Temporal UI, in a real browser: real servers, activities and rows, and an engine that answers at once.
 * With `R_ZERO_SCREENSHOTS=FOLDER` the engine is the real one, and what is seen is written there (`npm run screenshots`).
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RunInput } from '../../activities/contract.ts';
import { startRun } from '../../infra/client.ts';
import { openBrowser } from '../support/browser.ts';
import type { Page } from '../support/browser.ts';
import { temporaryFolder } from '../support/activities.ts';
import { withSimulatedStack } from '../support/simulation.ts';
import type { SimulatedStack } from '../support/simulation.ts';
import { installQuietRuntime, until } from '../support/temporal.ts';
import { TemporalUi } from './support/temporal-ui.ts';

installQuietRuntime();
const browser = await openBrowser();
const screenshots = process.env['R_ZERO_SCREENSHOTS'];
const isReal = screenshots !== undefined;

const INPUT: RunInput = {
  iterations: 2,
  budget: { engineMinutes: 240 },
  ...(isReal
    ? {
        challenger: { steps: 2, rollouts: 32, groupSize: 8, votes: 4 },
        labelling: { questions: 48, shardSize: 12, votes: 8 },
        gate: { minimumQuestions: 4 },
        solver: { steps: 6, questions: 8, groupSize: 8 },
        evaluation: { questions: 60, samples: 2 },
      }
    : {
        challenger: { steps: 2, rollouts: 16, groupSize: 4, votes: 4 },
        labelling: { questions: 48, shardSize: 24, votes: 4 },
        gate: { minimumQuestions: 1 },
        solver: { steps: 3, questions: 4, groupSize: 2 },
        evaluation: { questions: 8, samples: 2 },
      }),
};
/** The real engine computes, and the machine may be busy. */
const PATIENCE_SECONDS = isReal ? 480 : 60;

describe('the page of a run', { skip: browser.missing, timeout: 900_000 }, () => {
  let stack: SimulatedStack;
  let release: () => void = () => undefined;
  let ended: Promise<void> = Promise.resolve();
  let ui: TemporalUi;
  let page: Page;
  before(async () => {
    await new Promise<void>((ready, fail) => {
      const dataDir = join(temporaryFolder(), 'data');
      ended = withSimulatedStack({ dataDir, real: isReal, answerTokens: 20, questions: 200 }, async (parts) => {
        stack = parts;
        await new Promise<void>((done) => {
          release = done;
          ready();
        });
      });
      ended.catch(fail);
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 1750 } });
    ui = new TemporalUi(page, stack.uiUrl);
  });
  after(async () => {
    release();
    await ended;
  });

  const start = async (runId: string, input: RunInput = {}): Promise<void> => {
    const model = isReal ? {} : { model: stack.modelDir };
    await startRun(stack.client, { ...INPUT, ...model, ...input, runId });
  };
  const statusOf = async (runId: string): Promise<string | undefined> =>
    (await stack.pool.query<{ status: string }>('select status from r_zero.runs where run_id = $1', [runId])).rows[0]
      ?.status;
  const shot = async (name: string, height: number): Promise<void> => {
    if (screenshots === undefined) return;
    mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: join(screenshots, `${name}.png`), clip: { x: 256, y: 48, width: 1024, height } });
  };

  test('shows phase, counts, rewards, checkpoint, budget, time left, SQL and commands while it goes on', async () => {
    await start('demo');
    await ui.openRun('r-zero/demo');
    const isTelling = isReal
      ? (text: string) => /Iteration 2, 2 planned/.test(text) && /Solver training\s+\d+ answers/.test(text)
      : (text: string) => /Checkpoint/.test(text) && /Solver training\s+\d+ answers/.test(text);
    const details = await ui.detailsUntil(isTelling, PATIENCE_SECONDS);
    for (const expected of [
      /Status\s+(running|completed)/,
      /Phase\s+[A-Z][a-z ]+, \d+ of \d+ [█░]+ \d+ %/,
      /Run\s+[█░]+ \d+ %/,
      /Budget\s+\S+ of 240 engine minutes \(\S+ left\)/,
      /Checkpoint\s+[0-9a-f]{12} of the (Solver|Challenger)/,
      /Challenger training\s+\d+ questions, \d+ of the right form, mean reward \S+/,
      /Questions\s+\d+ questions, \d+ of the right form/,
      /Labelling\s+\d+ answers to \d+ questions, mean p̂ 0\.\d+/,
      /Gate\s+\d+ of \d+ questions kept/,
      /Solver training\s+\d+ answers, mean reward \S+, \d+\.\d % worked out/,
      /select \* from r_zero\.funnel where run_id = 'demo'/,
      /npx r-zero run (pause|start --run-id) demo/,
    ]) {
      assert.match(details, expected);
    }
    if (isReal) assert.match(details, /Time left\s+about .* in this phase, .* in all, until \d\d:\d\d UTC/);
    await shot('run-details', 1_330);
  });

  test('names each activity on the timeline of an iteration', async () => {
    await until(
      () => statusOf('demo'),
      (status) => status === 'completed',
      PATIENCE_SECONDS,
    );
    await ui.openRun('r-zero/demo/iteration-1');
    for (const label of ['train challenger step 1', 'label shard 2', 'train solver step 1', 'audit part 1']) {
      await page.getByText(label).first().waitFor();
    }
    await shot('iteration-timeline', 1_100);
  });

  test('says at the end how accurate the labels were, and what to type to go on', async () => {
    await ui.openRun('r-zero/demo');
    const details = await ui.detailsUntil((text) => /completed/.test(text));
    assert.match(details, /kept\s+\d+/);
    assert.match(details, /sampled accuracy\s+\S+ %/);
    if (isReal) assert.match(details, /label accuracy\s+\d+\.\d %/);
    assert.match(details, /npx r-zero run start --run-id demo --iterations 3/);
    await page.getByTestId('search-attributes-tab').click();
    await page.getByText('RZeroStatus').first().waitFor();
    await shot('search-attributes', 700);
  });

  test('a reset of the finished run by the dialog writes no row twice and repeats no work', async () => {
    const rows = await countRows(stack);
    const { runId: before } = await stack.client.workflow.getHandle('r-zero/demo').describe();
    await ui.openRun('r-zero/demo');
    await ui.reset('workflowTaskCompleted', 'try the dialog');
    const again = await until(
      () => stack.client.workflow.getHandle('r-zero/demo').describe(),
      ({ runId, status }) => runId !== before && status.name === 'COMPLETED',
      PATIENCE_SECONDS,
    );
    assert.notEqual(again.runId, before);
    assert.equal(await statusOf('demo'), 'completed');
    assert.deepEqual(await countRows(stack), rows);
  });
});

/** Of what a run produces; attempts and starts are notes of what was tried. */
async function countRows({ pool }: SimulatedStack): Promise<Record<string, number>> {
  const tables =
    'questions answers votes gate_decisions rollouts rewards policy_updates evaluations audits units'.split(' ');
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from r_zero.${table}`);
    counts[table] = rows[0]?.n ?? 0;
    assert.ok(counts[table] > 0 || table === 'audits', `rows of ${table}`);
  }
  return counts;
}
