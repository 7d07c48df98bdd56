/** An experiment through real servers, worker and workflows: begun, grown, refused, shown. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ExperimentInput, RunInput } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { startExperiment } from '../../infra/experiments.ts';
import { startRun } from '../../infra/client.ts';
import { temporaryFolder } from '../support/activities.ts';
import { withSimulatedStack } from '../support/simulation.ts';
import { installQuietRuntime } from '../support/temporal.ts';
import { run } from './support/command.ts';

const BASE: RunInput = {
  challenger: { steps: 1, rollouts: 8, groupSize: 8, votes: 4, maxTokens: 500 },
  labelling: { questions: 16, shardSize: 16, votes: 4 },
  gate: { minimumQuestions: 1 },
  solver: { steps: 1, questions: 4, groupSize: 4, maxTokens: 500 },
  evaluation: { questions: 8, samples: 2 },
};

installQuietRuntime();

describe('r-zero experiment', { timeout: 180_000 }, () => {
  const dataDir = join(temporaryFolder(), 'data');

  test('every cell becomes a run; the same experiment again grows by what is new and repeats nothing', async () => {
    await withSimulatedStack({ dataDir, questions: 200, answerTokens: 40 }, async ({ client, pool, modelDir }) => {
      const experiment = (input: ExperimentInput) => startExperiment(client, { ...input, experimentId: 'e' });
      const grid: ExperimentInput = {
        base: { ...BASE, model: modelDir },
        settings: { plain: {}, shuffled: { control: 'shuffled-labels' } },
        seeds: [1],
        iterations: 1,
      };
      const units = async (): Promise<number> =>
        (await pool.query<{ n: number }>('select count(*)::int as n from r_zero.units')).rows[0]!.n;

      const first = await experiment(grid);
      await assert.rejects(experiment(grid), (error: unknown) => {
        return (
          error instanceof RZeroError && error.code === 'ExperimentConflict' && /going on already/.test(error.message)
        );
      });
      assert.deepEqual(await first.result(), { experimentId: 'e', runs: 2, finished: 2, troubles: [] });
      const runs = await pool.query<{ run_id: string; control: string; seed: string }>(
        `select run_id, control, seed from r_zero.runs order by run_id`,
      );
      assert.deepEqual(runs.rows, [
        { run_id: 'e-plain-1', control: 'none', seed: '1' },
        { run_id: 'e-shuffled-1', control: 'shuffled-labels', seed: '1' },
      ]);
      const done = await units();

      // Nothing but its name: it goes on, with nothing left to do.
      assert.equal((await (await experiment({})).result()).finished, 2);
      assert.equal(await units(), done);

      // A third cell whose run somebody else has started with other settings is a trouble of its own.
      await (
        await startRun(client, { ...BASE, model: modelDir, runId: 'e-shuffled-2', iterations: 1, seed: 2 })
      ).result();
      const grown = await (await experiment({ ...grid, seeds: [1, 2] })).result();
      assert.deepEqual([grown.runs, grown.finished], [4, 3]);
      assert.deepEqual(
        grown.troubles.map(({ runId }) => runId),
        ['e-shuffled-2'],
      );
      assert.match(grown.troubles[0]!.reason, /RunConflict.*"control"/);

      const changed = await experiment({ ...grid, settings: { plain: { gate: { upper: 0.9 } } } });
      await assert.rejects(changed.result(), (error: unknown) => {
        return error instanceof RZeroError && error.code === 'ExperimentConflict' && /"plain"/.test(error.message);
      });

      const shown = await run(['experiment', 'show', 'e', `--data-dir=${dataDir}`]);
      assert.equal(shown.code, 0, shown.stderr);
      assert.match(shown.stdout, /Experiment e at iteration 1\./);
      assert.match(shown.stdout, /\n +plain +2 +\d/);
      const { rows } = await pool.query<{ runs: number; mean: number }>(
        `select runs, greedy_accuracy as mean from r_zero.experiment_summary
         where experiment_id = 'e' and setting = 'plain' and iteration = 1`,
      );
      const report = JSON.parse((await run(['experiment', 'show', 'e', '--json', `--data-dir=${dataDir}`])).stdout) as {
        settings: { setting: string; greedy: { last: { mean: number } } }[];
      };
      assert.equal(rows[0]!.runs, 2);
      assert.equal(report.settings.find(({ setting }) => setting === 'plain')!.greedy.last.mean, rows[0]!.mean);

      const unknown = await run(['experiment', 'show', 'nothing', `--data-dir=${dataDir}`]);
      assert.match(unknown.stderr, /\[ExperimentNotFound\]/);
      const file = join(temporaryFolder(), 'broken.json');
      writeFileSync(file, '{"settings": {"a": {"solver": {"steps": "many"}}}}');
      const broken = await run(['experiment', 'start', file, `--data-dir=${dataDir}`]);
      assert.equal(broken.code, 1);
      assert.match(broken.stderr, /\[RunInputInvalid\] Experiment: setting "a" makes no run\. .*"solver\.steps"/);
      assert.match((await run(['experiment', 'list', `--data-dir=${dataDir}`])).stdout, /\n +e +2 +4 +4/);
    });
  });
});
