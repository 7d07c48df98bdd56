/**
 * How much an iteration of the paper costs Temporal. History grows with shards and steps, not with rows, so the paper's numbers of
 * these with few rows each tell it; `npm run simulate` is the same with all rows.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { PAPER } from '../bench/simulate-sizes.ts';
import { temporaryFolder } from '../support/activities.ts';
import { simulate } from '../support/simulation.ts';
import type { Simulation } from '../support/simulation.ts';
import { installQuietRuntime } from '../support/temporal.ts';

installQuietRuntime();

describe('an iteration with the shards and steps of the paper', { timeout: 180_000 }, () => {
  let simulation: Simulation;
  before(async () => {
    const { challenger, labelling, solver } = PAPER as Record<string, object>;
    simulation = await simulate({
      dataDir: join(temporaryFolder(), 'data'),
      questions: 200,
      answerTokens: 20,
      input: {
        ...PAPER,
        challenger: { ...challenger, rollouts: 16, votes: 4 },
        labelling: { ...labelling, questions: 64, shardSize: 8, votes: 4 },
        gate: { minimumQuestions: 1 },
        solver: { ...solver, questions: 4, groupSize: 2 },
        evaluation: { questions: 4, samples: 2 },
        // Reported with every unit: the larger case.
        budget: { engineMinutes: 500_000, minutes: 500_000, tokens: 10 ** 12, questions: 10 ** 9 },
      },
    });
  });

  test('has all of them', () => {
    // Two of the base model's evaluation come first.
    assert.equal(simulation.tables['units'], 2 + 6 + 8 + 8 + 1 + 20 + 2 + 1);
  });

  test('stays under 2,000 events and a megabyte of history, run and iterations together', () => {
    const { workflows } = simulation.histories;
    assert.equal(workflows.length, 3);
    const events = workflows.reduce((sum, size) => sum + size.events, 0);
    const bytes = workflows.reduce((sum, size) => sum + size.bytes, 0);
    assert.ok(events > 46 * 3 && events < 2_000, `${events} events`);
    assert.ok(bytes > 10_000 && bytes < 1_000_000, `${bytes} bytes`);
  });

  test('has no result of an activity, and no other payload, above two kilobytes', () => {
    const { largestResultBytes, largestPayloadBytes } = simulation.histories;
    assert.ok(largestResultBytes > 100 && largestResultBytes <= 2_048, `${largestResultBytes} bytes`);
    assert.ok(
      largestPayloadBytes >= largestResultBytes && largestPayloadBytes <= 2_048,
      `${largestPayloadBytes} bytes`,
    );
  });

  test('never waits for a lock for a second', () => {
    assert.ok(simulation.longestLockWaitSeconds < 1, `${simulation.longestLockWaitSeconds} s`);
  });
});
