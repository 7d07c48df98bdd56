import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { modelFolder } from '../../activities/model-folder.ts';
import { importNamedModel } from '../../infra/models/import.ts';
import { silent } from '../../infra/setup/progress.ts';
import { temporaryFolder } from '../engine/support/models.ts';
import { COMMIT, startHub } from './support/hub-server.ts';
import type { HubServer } from './support/hub-server.ts';

const ID = 'owner/tiny-model';
const BUILTIN = modelFolder('builtin');

async function publish(t: TestContext): Promise<{ hub: HubServer; env: NodeJS.ProcessEnv; cache: string }> {
  const names = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];
  const files = new Map<string, Buffer>();
  for (const name of names) files.set(name, await readFile(join(BUILTIN, name)));
  files.set('README.md', Buffer.from('not wanted'));
  files.set('pytorch_model.bin', Buffer.from('not wanted'));
  files.set('adapter_model.safetensors', Buffer.from('not wanted'));
  const hub = await startHub(t, ID, files);
  const cache = await temporaryFolder(t);
  return { hub, cache, env: { R_ZERO_CACHE: cache, HF_ENDPOINT: hub.endpoint } };
}

const bring = (env: NodeJS.ProcessEnv, options: { revision?: string; out?: string } = {}) =>
  importNamedModel(ID, { ...options, env, report: silent, retryPauseMs: 5 });

test('a hub id is downloaded, checked, imported, and found by its id afterwards', async (t) => {
  const { hub, env, cache } = await publish(t);
  assert.throws(() => modelFolder(ID, env), { code: 'ModelUnreadable', message: /model import owner\/tiny-model/ });
  const { path } = await bring({ ...env, HF_TOKEN: 'secret' }, { revision: 'v1' });
  assert.equal(modelFolder(ID, env), path);
  assert.deepEqual(await readFile(join(path, 'model.safetensors')), await readFile(join(BUILTIN, 'model.safetensors')));
  const origin = await readFile(join(path, 'origin.json'), 'utf8');
  assert.match(origin, new RegExp(`${ID}@${COMMIT}`));
  assert.doesNotMatch(origin, /secret/);
  assert.deepEqual([...hub.authorization], ['Bearer secret']);
  assert.equal(hub.requests[0], `GET /api/models/${ID}/revision/v1`);
  assert.ok(!hub.requests.some((request) => /README|pytorch|adapter/.test(request)));
  // What was downloaded is not kept twice.
  assert.deepEqual(await readdir(join(cache, 'downloads')), []);
  await assert.rejects(bring(env), { code: 'ModelUnreadable', field: 'out' });
});

test('a line that breaks is taken up where it broke, in the same call and in a later one', async (t) => {
  const { hub, env, cache } = await publish(t);
  hub.cutAfter('model.safetensors', 100_000);
  await bring(env, { out: join(cache, 'first') });
  assert.ok(hub.requests.some((request) => request.endsWith(`/${COMMIT}/model.safetensors bytes=100000-`)));

  // The hub disappears in the middle: what was fetched stays.
  hub.cutAfter('model.safetensors', 200_000);
  const { describe } = hub;
  hub.describe = (json) => {
    setTimeout(() => void waitForPart().then(() => (hub.status = 503)), 0);
    return describe(json);
  };
  const part = join(cache, 'downloads', `owner--tiny-model@${COMMIT}`, 'model.safetensors.part');
  const waitForPart = async (): Promise<void> => {
    while (!existsSync(part)) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  await assert.rejects(bring(env, { out: join(cache, 'second') }), { code: 'SetupFailed', message: /503/ });
  hub.status = undefined;
  hub.describe = describe;
  hub.requests.length = 0;
  await bring(env, { out: join(cache, 'second') });
  assert.deepEqual(
    hub.requests.filter((request) => request.includes('/resolve/')),
    [`GET /${ID}/resolve/${COMMIT}/model.safetensors bytes=200000-`],
  );
});

test('a server without ranges sends the file again, and the file is right', async (t) => {
  const { hub, env } = await publish(t);
  hub.ignoreRanges = true;
  hub.cutAfter('model.safetensors', 100_000);
  const { path } = await bring(env);
  assert.ok(existsSync(join(path, 'model.safetensors')));
});

test('a file that is not the announced one is deleted and refused', async (t) => {
  for (const file of ['model.safetensors', 'config.json']) {
    const { hub, env, cache } = await publish(t);
    hub.spoil(file);
    await assert.rejects(bring(env), { code: 'SetupFailed', message: new RegExp(`${file} .* is not the file`) });
    const left = await readdir(join(cache, 'downloads', `owner--tiny-model@${COMMIT}`));
    assert.ok(!left.some((name) => name.startsWith(file)), left.join());
    assert.deepEqual(await readdir(join(cache, 'models')), []);
  }
});

test('answers of the hub become errors with a code and a way on', async (t) => {
  const { hub, env } = await publish(t);
  for (const [status, code, message] of [
    [404, 'ModelUnreadable', /no model owner\/tiny-model/],
    [401, 'ModelUnreadable', /HF_TOKEN/],
    [403, 'ModelUnreadable', /HF_TOKEN/],
    [500, 'SetupFailed', /HTTP 500/],
  ] as const) {
    hub.status = status;
    await assert.rejects(bring(env), { code, message });
  }
  hub.status = undefined;
  const siblings = (changes: object) => (json: Record<string, unknown>) => ({
    ...json,
    siblings: (json['siblings'] as object[]).map((file) => ({ ...file, ...changes })),
  });
  for (const describe of [
    () => null,
    () => 'text',
    (json: object) => ({ ...json, sha: '../../etc' }),
    (json: object) => ({ ...json, siblings: 'none' }),
    siblings({ size: -1 }),
    siblings({ size: 'large' }),
    siblings({ lfs: { sha256: 'x' } }),
  ]) {
    hub.describe = describe;
    await assert.rejects(bring(env), { code: 'SetupFailed' }, String(describe));
  }
  for (const describe of [siblings({ rfilename: '../config.json' }), (json: object) => ({ ...json, siblings: [] })]) {
    hub.describe = describe;
    await assert.rejects(bring(env), { code: 'ModelUnreadable', message: /no config\.json/ });
  }
});

test('without a network the error says so, and what to do', async (t) => {
  const env = { R_ZERO_CACHE: await temporaryFolder(t), HF_ENDPOINT: 'http://127.0.0.1:9' };
  await assert.rejects(bring(env), {
    code: 'SetupFailed',
    message: /127\.0\.0\.1:9 cannot be reached to fetch owner\/tiny-model/,
    fix: /copy the folder/,
  });
});
