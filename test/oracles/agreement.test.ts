/**
 * Do anchors and a judge say what is so? On the built-in domain exact arithmetic knows. The judge is a model of ours behind the OpenAI
 * protocol: the Solver of a run of one iteration, which is right about 95 times in 100. The labels are the base model's.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkpointPath } from '../../activities/store.ts';
import { checkpointBefore } from '../../db/queries/lineage.ts';
import { anchorQuestions } from '../../infra/pretrain/anchors.ts';
import { ActivityRunner, temporaryFolder } from '../support/activities.ts';
import { startEngineServer } from '../support/chat-server.ts';
import { createDatabase } from '../support/postgres.ts';
import { UNTRAINED } from '../support/untrained.ts';
import { agreement } from './agreement.ts';

const BASE_MODEL = fileURLToPath(new URL('../../activities/engine/base-model', import.meta.url));
const isSoak = process.env['R_ZERO_SOAK'] === '1';

test(
  'anchors and a judge agree with computed truth within their intervals in at least 9 of 10 runs',
  { skip: !isSoak && 'R_ZERO_SOAK=1' },
  async (t) => {
    const { pool } = await createDatabase();
    const runner = new ActivityRunner(pool);
    await runner.open({
      runId: 'judge',
      seed: 99,
      iterations: 1,
      challenger: { learningRate: 3e-3, lora: { r: 8 } },
      solver: { learningRate: 3e-4, lora: { r: 8 } },
      evaluation: { questions: 1, samples: 1 },
    });
    for (const iteration of [0, 1]) await runner.iterate('judge', iteration);
    const trained = await checkpointBefore(pool, 'judge', 'solver', 2, 0);
    const { baseUrl } = await startEngineServer(checkpointPath(runner.deps, trained), BASE_MODEL);
    const prompt = join(temporaryFolder(), 'sums.json');
    const cases = anchorQuestions(16).map(({ question, answer }, index) => ({
      question,
      answer: index % 2 === 0 ? answer : String(Number(answer) + 1),
      correct: index % 2 === 0,
    }));
    writeFileSync(prompt, JSON.stringify({ version: 1, messages: [{ role: 'user', content: '{question}' }], cases }));
    const judge = { baseUrl, model: 'solver', prompt, maxTokens: 36, questions: 64, maxCalls: 200 };
    const held = new Map<string, number>();
    for (let seed = 1; seed <= 10; seed++) {
      const runId = `run-${seed}`;
      const labelling = { questions: 192, shardSize: 96, votes: 8 };
      await runner.open({ ...UNTRAINED, runId, seed, labelling, oracles: { anchors: { questions: 120 }, judge } });
      for (const iteration of [0, 1]) await runner.iterate(runId, iteration);
      for (const { name, holds, text } of await agreement(pool, runId)) {
        t.diagnostic(`seed ${seed}, ${name}: ${text}${holds ? '' : ' MISSED'}`);
        held.set(name, (held.get(name) ?? 0) + Number(holds));
      }
    }
    t.diagnostic(JSON.stringify(Object.fromEntries(held)));
    assert.equal(held.size, 4);
    for (const [name, runs] of held) assert.ok(runs >= 9, `${name}: ${runs} of 10`);
  },
);
