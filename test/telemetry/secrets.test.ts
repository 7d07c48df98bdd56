/**
 * Secrets of a process do not leave it: a run fails with messages that quote every one of them, parks, is resumed and ends, and then all
 * that was written of it is searched.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { Engine, ModelLease } from '../../activities/engine/types.ts';
import { createTfjsEngine } from '../../activities/engine/index.ts';
import { RZeroError } from '../../activities/errors.ts';
import { withoutSecrets } from '../../activities/redact.ts';
import { getRun, resumeRun, startRun } from '../../infra/client.ts';
import { installTelemetry } from '../../infra/telemetry/runtime.ts';
import { run } from '../e2e/support/command.ts';
import { TINY, temporaryFolder } from '../support/activities.ts';
import { withSimulatedStack } from '../support/simulation.ts';
import type { SimulatedStack } from '../support/simulation.ts';
import { until } from '../support/temporal.ts';

const random = (): string => randomBytes(12).toString('hex');
/** Names as of old, values of this process alone. */
const SECRETS: Record<string, string> = {
  HF_TOKEN: `hf_${random()}`,
  OTHER_API_KEY: random(),
  MY_PASSWORD: `p ${random()}"\\`,
  OTHER_DATABASE_URL: `postgres://me:${random()}%2F@db.example/r`,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${random()}`,
};
/** What must be found nowhere. */
const VALUES = [
  SECRETS['HF_TOKEN'],
  SECRETS['OTHER_API_KEY'],
  SECRETS['MY_PASSWORD']!.slice(2, -2),
  new URL(SECRETS['OTHER_DATABASE_URL']!).password.slice(0, -3),
  SECRETS['OTEL_EXPORTER_OTLP_HEADERS']!.split(' ')[1],
] as string[];

const lines: string[] = [];
installTelemetry({ logLevel: 'DEBUG', logFormat: 'json', write: (line) => lines.push(line) });

/** Fails the first call as a machine might, and the next as a file might, quoting all that it knows. */
function talkative(engine: Engine): Engine {
  let calls = 0;
  const quote = JSON.stringify(SECRETS);
  return {
    ...engine,
    open: async (source, call): Promise<ModelLease> => {
      calls += 1;
      if (calls === 1) throw new Error(`connect ${Object.values(SECRETS).join(' ')} failed`);
      if (calls === 2) throw new RZeroError('CheckpointMissing', `Not found with ${quote}.`, { fix: `Try ${quote}.` });
      return await engine.open(source, call);
    },
  };
}

describe('planted secrets', { timeout: 240_000 }, () => {
  test('are in no log line, history, row, file or export of a run whose failures quote them', async () => {
    Object.assign(process.env, SECRETS);
    const dataDir = join(temporaryFolder(), 'data');
    const exported = join(temporaryFolder(), 'export');
    const options = { dataDir, before: talkative, answerTokens: 20, questions: 200 };
    await withSimulatedStack(options, async (stack) => {
      await parkAndFinish(stack);
      const found = await run(
        ['export', '--run', 'secretive', '--output', exported, '--data-dir', dataDir, '--format', 'jsonl'],
        SECRETS,
      );
      assert.equal(found.code, 0, found.stderr);
      const status = await run(['run', 'status', 'secretive', '--json', '--data-dir', dataDir], SECRETS);
      const written: Record<string, string> = {
        log: lines.join('\n'),
        histories: await historiesOf(stack),
        rows: await rowsOf(stack),
        commands: found.stdout + found.stderr + status.stdout + status.stderr,
        files: [...filesBelow(dataDir), ...filesBelow(exported)].map((file) => readFileSync(file, 'latin1')).join('\n'),
      };
      for (const [where, text] of Object.entries(written)) {
        assert.ok(text.length > 100, where);
        for (const value of VALUES) assert.ok(!text.includes(value), `${value} is in ${where}`);
      }
      for (const where of ['log', 'histories', 'rows'])
        assert.match(written[where]!, /\*\*\*/, `${where} tells of the failures`);
    });
    for (const name of Object.keys(SECRETS)) delete process.env[name];
  });

  test('are not given to the process that reads model files', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'environment.json');
    mkdirSync(folder, { recursive: true });
    const hook = join(folder, 'hook.mjs');
    writeFileSync(
      hook,
      `import { writeFileSync } from 'node:fs';
       if (process.argv[1]?.includes('host')) writeFileSync(${JSON.stringify(file)}, JSON.stringify(process.env));`,
    );
    Object.assign(process.env, SECRETS, { NODE_OPTIONS: `--import ${hook}`, HARMLESS: 'kept' });
    const engine = createTfjsEngine();
    try {
      await engine.describe();
    } finally {
      await engine.close();
      for (const name of [...Object.keys(SECRETS), 'NODE_OPTIONS', 'HARMLESS']) delete process.env[name];
    }
    const seen = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    assert.equal(seen['HARMLESS'], 'kept');
    for (const name of Object.keys(SECRETS)) assert.equal(seen[name], undefined, name);
    assert.deepEqual(withoutSecrets({ PATH: '/bin', PGPASSWORD: 'x' }), { PATH: '/bin' });
  });
});

async function parkAndFinish({ client, modelDir }: SimulatedStack): Promise<void> {
  const started = await startRun(client, { ...TINY, runId: 'secretive', model: modelDir });
  await until(
    () => getRun(client, 'secretive'),
    ({ view }) => view?.status === 'parked',
    120,
  );
  await resumeRun(client, 'secretive', {});
  assert.equal((await started.result()).status, 'completed');
}

/** As JSON, payloads decoded. */
async function historiesOf({ client }: SimulatedStack): Promise<string> {
  const texts: string[] = [];
  for await (const { workflowId } of client.workflow.list()) {
    const text = historyToJSON(await client.workflow.getHandle(workflowId).fetchHistory());
    texts.push(
      text,
      ...[...text.matchAll(/"data": ?"([^"]*)"/g)].map(([, data = '']) => Buffer.from(data, 'base64').toString()),
    );
  }
  return texts.join('\n');
}

async function rowsOf({ pool }: SimulatedStack): Promise<string> {
  const { rows } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'r_zero'`,
  );
  const texts: string[] = [];
  for (const { name } of rows) {
    const found = await pool.query<{ text: string }>(`select t::text as text from r_zero."${name}" t`);
    texts.push(...found.rows.map(({ text }) => text));
  }
  return texts.join('\n');
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('postgres') && entry.name !== 'model.safetensors')
    .map((entry) => join(entry.parentPath, entry.name));
}
