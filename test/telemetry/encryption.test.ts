/** What a reader of Temporal's database sees of a run whose payloads are encrypted, and who may decrypt them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Connection, Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { createEncryption, encryptedDataConverter } from '../../infra/codec/encryption.ts';
import { codecKeysOf, makeKey, parseKeys } from '../../infra/codec/keys.ts';
import { connect, getRun, pauseRun, resumeRun, startRun, workflowIdOf } from '../../infra/client.ts';
import { createSchedule, deleteSchedule, triggerSchedule } from '../../infra/schedules.ts';
import { RZeroPlugin } from '../../infra/plugin.ts';
import { RunningCommand } from '../e2e/support/command.ts';
import { loadWorkflowBundle } from '../../infra/workflow-bundle.ts';
import { TINY, temporaryFolder } from '../support/activities.ts';
import { fc } from '../support/properties.ts';
import { withSimulatedStack } from '../support/simulation.ts';
import type { SimulatedStack } from '../support/simulation.ts';
import { installQuietRuntime, until } from '../support/temporal.ts';

installQuietRuntime();

const key = (): string => randomBytes(32).toString('base64');
const OLD = `old:${key()}`;
const KEYS = `present:${key()},${OLD}`;
const PLANTED = 'the-word-that-was-planted';

interface JsonPayload {
  metadata: { encoding: string };
  data?: string;
}

const decode = (base64 = ''): string => Buffer.from(base64, 'base64').toString('utf8');

/** Every payload below a value, but search attributes, which Temporal must be able to read. */
function payloadsIn(value: unknown): JsonPayload[] {
  if (typeof value !== 'object' || value === null) return [];
  // The SDK's own note that a branch of `patched` was taken: its name, from our code.
  if ('markerName' in value && value.markerName === 'core_patch') return [];
  if ('metadata' in value && typeof (value as JsonPayload).metadata?.encoding === 'string')
    return [value as JsonPayload];
  return Object.entries(value).flatMap(([name, inner]) => (name === 'indexedFields' ? [] : payloadsIn(inner)));
}

describe('encryption of payloads', { timeout: 240_000 }, () => {
  const dataDir = join(temporaryFolder(), 'data');
  let address: string;
  let parts: SimulatedStack;
  let finish: () => void;
  let standing: Promise<void>;
  /** Sees what Temporal has. */
  let stranger: Client;
  const histories: Record<string, unknown> = {};

  before(async () => {
    process.env['R_ZERO_CODEC_KEYS'] = KEYS;
    await new Promise<void>((ready, fail) => {
      standing = withSimulatedStack({ dataDir, answerTokens: 20, questions: 200 }, async (stack) => {
        parts = stack;
        ready();
        await new Promise<void>((resolve) => (finish = resolve));
      });
      standing.catch(fail);
    });
    address = (parts.client.connection as Connection).options.address ?? '';
    stranger = new Client({ connection: await Connection.connect({ address }) });
    // A start, updates, a failure that parks the run, a night by a schedule, and an end.
    const { client, modelDir } = parts;
    const started = await startRun(client, { ...TINY, runId: 'sealed', model: modelDir });
    await pauseRun(client, 'sealed', { reason: PLANTED });
    await resumeRun(client, 'sealed', { reason: PLANTED });
    await started.result();
    const broken = await startRun(client, { runId: 'refused', model: join(modelDir, PLANTED) });
    await assert.rejects(broken.result(), { code: 'ModelUnreadable', message: new RegExp(PLANTED) });
    await createSchedule(client, {
      scheduleId: 'sealed-nights',
      at: '03:00',
      input: { runId: 'sealed', iterations: 1, budget: { tokens: 1 } },
    });
    await triggerSchedule(client, 'sealed-nights');
    await until(
      () => nights(),
      (found) => found.length === 1,
      60,
    );
    await deleteSchedule(client, 'sealed-nights');
    const ids = [workflowIdOf('sealed'), `${workflowIdOf('sealed')}/iteration-1`, workflowIdOf('refused')];
    for (const id of [...ids, ...(await nights())]) {
      histories[id] = JSON.parse(historyToJSON(await stranger.workflow.getHandle(id).fetchHistory()));
    }
  });
  after(async () => {
    delete process.env['R_ZERO_CODEC_KEYS'];
    await stranger?.connection.close();
    finish?.();
    await standing;
  });

  async function nights(): Promise<string[]> {
    const found: string[] = [];
    const query = "WorkflowType = 'rZeroNightly' AND ExecutionStatus = 'Completed'";
    for await (const { workflowId } of stranger.workflow.list({ query })) found.push(workflowId);
    return found;
  }

  test('leaves no readable payload in any history: inputs, results, updates, signals, summaries, failures', () => {
    assert.equal(Object.keys(histories).length, 4);
    for (const [id, history] of Object.entries(histories)) {
      const payloads = payloadsIn(history);
      assert.ok(payloads.length > 5, id);
      for (const { metadata } of payloads) assert.equal(decode(metadata.encoding), 'binary/encrypted', id);
      const text = JSON.stringify(history);
      const readable = [text, ...payloads.map(({ data }) => decode(data))].join('\n');
      for (const word of [PLANTED, 'simulated-model', 'meanPHat', 'groupSize', 'stack trace', 'at async'])
        assert.ok(!readable.includes(word), `${id} shows ${word}`);
    }
  });

  test('its histories replay through a plugin with the keys', async () => {
    const { failureConverterPath = '' } = encryptedDataConverter(KEYS);
    // The worker has made it.
    const workflowBundle = await loadWorkflowBundle({
      cacheDir: join(dataDir, 'cache'),
      extras: { failureConverterPath },
    });
    for (const [id, history] of Object.entries(histories)) {
      const plugins = [new RZeroPlugin({ database: 'postgres://not-opened', encryption: KEYS })];
      await Worker.runReplayHistory({ plugins, workflowBundle }, history, id);
    }
  });

  test('a client without the key, or with another of its name, gets a code and the fix', async () => {
    for (const [encryption, says] of [
      [`another:${key()}`, /"present", which is not among the keys/],
      [`present:${key()}`, /another one of that id, or the payload was changed/],
    ] as const) {
      const { client, close } = await connect({ address, encryption });
      await assert.rejects(getRun(client, 'sealed'), { code: 'PayloadUnreadable', message: says });
      await close();
    }
    delete process.env['R_ZERO_CODEC_KEYS'];
    const { client, close } = await connect({ address });
    process.env['R_ZERO_CODEC_KEYS'] = KEYS;
    await assert.rejects(getRun(client, 'sealed'), { code: 'PayloadUnreadable', field: 'R_ZERO_CODEC_KEYS' });
    await close();
  });

  test('after rotation what an old key encrypted is read, and the new one encrypts', async () => {
    const before = createEncryption(parseKeys(OLD));
    const rotated = createEncryption(parseKeys(`newest:${key()},${OLD}`));
    const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"text"') };
    const [read] = await rotated.decode(await before.encode([payload]));
    assert.deepEqual(Buffer.from(read!.data!).toString(), '"text"');
    const [written] = await rotated.encode([payload]);
    assert.equal(Buffer.from(written!.metadata!['encryption-key-id']!).toString(), 'newest');
    await assert.rejects(before.decode([written!]), { code: 'PayloadUnreadable' });
  });

  test('any payload comes back as it was; a changed bit never does', async () => {
    const codec = createEncryption(parseKeys(KEYS));
    const bytes = fc.uint8Array({ maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), bytes), bytes, fc.nat(), async (metadata, data, place) => {
        fc.pre(Buffer.from(metadata['encoding'] ?? []).toString() !== 'binary/encrypted');
        const [sealed] = await codec.encode([{ metadata, data }]);
        const [opened] = await codec.decode([sealed!]);
        assert.deepEqual(Buffer.from(opened!.data!), Buffer.from(data));
        assert.deepEqual(Object.keys(opened!.metadata!), Object.keys(metadata));
        const changed = Uint8Array.from(sealed!.data!);
        changed[place % changed.length]! ^= 1 << (place % 8);
        await assert.rejects(codec.decode([{ ...sealed, data: changed }]), { code: 'PayloadUnreadable' });
      }),
    );
  });

  describe('`r-zero codec serve`', () => {
    let server: RunningCommand;
    let url: string;
    before(async () => {
      server = new RunningCommand(['codec', 'serve', '--port', '0', '--origin', 'http://127.0.0.1:8233'], {
        R_ZERO_CODEC_KEYS: KEYS,
      });
      url = (await server.says(/http:\/\/127\.0\.0\.1:\d+/))[0];
    });
    after(async () => {
      server.kill('SIGTERM');
      await server.outcome;
    });

    const ask = (path: string, init: RequestInit & { origin?: string }): Promise<Response> =>
      fetch(`${url}${path}`, { ...init, headers: init.origin ? { origin: init.origin } : {} });

    test('decrypts for pages of the UI', async () => {
      const origin = 'http://127.0.0.1:8233';
      const preflight = await ask('/decode', { method: 'OPTIONS', origin });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
      assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /x-namespace/);
      const sealed = payloadsIn(histories[workflowIdOf('refused')]);
      const answer = await ask('/decode', { method: 'POST', origin, body: JSON.stringify({ payloads: sealed }) });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('access-control-allow-origin'), origin);
      const { payloads } = (await answer.json()) as { payloads: JsonPayload[] };
      assert.ok(payloads.some(({ data }) => decode(data).includes(PLANTED)));
      const again = await ask('/encode', { method: 'POST', origin, body: JSON.stringify({ payloads }) });
      const encoded = (await again.json()) as { payloads: JsonPayload[] };
      assert.equal(decode(encoded.payloads[0]?.metadata.encoding), 'binary/encrypted');
    });

    test('refuses other pages, other names of this machine, and what is no payload', async () => {
      const body = JSON.stringify({ payloads: [] });
      const foreign = await ask('/decode', { method: 'POST', origin: 'https://evil.example', body });
      assert.equal(foreign.status, 403);
      assert.equal(foreign.headers.get('access-control-allow-origin'), null);
      for (const [wrong, code] of [
        ['{', 'PayloadUnreadable'],
        ['null', 'PayloadUnreadable'],
        ['{"payloads": [{"data": 3}]}', 'PayloadUnreadable'],
        [
          `{"payloads": [{"metadata": {"encoding": "${Buffer.from('binary/encrypted').toString('base64')}"}}]}`,
          'PayloadUnreadable',
        ],
      ] as const) {
        const answer = await ask('/decode', { method: 'POST', body: wrong });
        assert.equal(answer.status, 400, wrong);
        assert.equal(((await answer.json()) as { code: string }).code, code);
      }
      assert.equal((await ask('/else', { method: 'POST', body })).status, 404);
    });
  });
});

describe('keys of the codec', () => {
  test('a made key is read back; of several the first encrypts', () => {
    const made = makeKey(new Date(0));
    assert.match(made, /^k1970-01-01:/);
    const ring = parseKeys(`# remark\n${made}\n${OLD}\n`);
    assert.equal(ring.current, 'k1970-01-01');
    assert.deepEqual([...ring.keys.keys()], ['k1970-01-01', 'old']);
  });

  for (const [text, says] of [
    ['', /no key/],
    ['secret', /Key 1 .* is not written as id:key/],
    ['a:AAAA', /has 3 bytes and not 32/],
    [`${OLD},${OLD}`, /two keys "old"/],
  ] as const) {
    test(`"${text.slice(0, 6)}" is refused, without a word of it`, () => {
      assert.throws(
        () => parseKeys(text),
        (error: Error & { code?: string; field?: string }) => {
          assert.equal(error.code, 'RunInputInvalid');
          assert.equal(error.field, 'R_ZERO_CODEC_KEYS');
          assert.match(error.message, says);
          return !error.message.includes('secret') && !error.message.includes('AAAA');
        },
      );
    });
  }

  test('come from one place', () => {
    assert.equal(codecKeysOf({}), undefined);
    assert.throws(() => codecKeysOf({ R_ZERO_CODEC_KEYS: OLD, R_ZERO_CODEC_KEY_FILE: 'x' }), {
      code: 'RunInputInvalid',
    });
    assert.throws(() => codecKeysOf({ R_ZERO_CODEC_KEY_FILE: '/does/not/exist' }), { field: 'R_ZERO_CODEC_KEY_FILE' });
  });
});
