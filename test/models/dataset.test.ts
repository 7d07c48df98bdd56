/** Published evaluation sets from a hub: one commit, hashes checked, interrupted downloads gone on with, and read as a run reads them. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { readSet } from '../../activities/evaluation-sets/read-set.ts';
import { datasetFolder, filesOf } from '../../activities/evaluation-sets/settle.ts';
import { getDataset } from '../../infra/datasets/get-dataset.ts';
import { silent } from '../../infra/setup/progress.ts';
import { temporaryFolder } from '../engine/support/models.ts';
import { asLines, asParquet, publishedRows } from '../support/set-files.ts';
import { COMMIT, startHub } from './support/hub-server.ts';

async function publish(t: TestContext, files: Record<string, Buffer>) {
  const hub = await startHub(t, 'openai/gsm8k', new Map(Object.entries(files)));
  const cache = await temporaryFolder(t);
  const env = { R_ZERO_CACHE: cache, HF_ENDPOINT: hub.endpoint };
  const get = (revision?: string) => getDataset('gsm8k', { revision, env, report: silent, retryPauseMs: 5 });
  return { hub, cache, env, get };
}

const TEST = 'main/test-00000-of-00001.parquet';
const rows = publishedRows('gsm8k', 12);
const repository = {
  [TEST]: asParquet(rows),
  'main/train-00000-of-00001.parquet': Buffer.from('not wanted'),
  'socratic/test-00000-of-00001.parquet': Buffer.from('not wanted'),
  'README.md': Buffer.from('not wanted'),
};

test('a set is fetched at one commit, noted with its hashes, and found by runs of its name', async (t) => {
  const { hub, env, cache, get } = await publish(t, repository);
  assert.throws(() => filesOf({ set: 'gsm8k', file: undefined }, 'evaluation.sets.0.file', env), {
    code: 'RunInputInvalid',
    field: 'evaluation.sets.0.file',
    fix: /dataset get gsm8k/,
  });
  const ready = await get('v1');
  assert.deepEqual(ready, {
    path: datasetFolder('gsm8k', env),
    source: `${hub.endpoint}/datasets/openai/gsm8k@${COMMIT}`,
    questions: 12,
    hash: ready.hash,
  });
  assert.equal(hub.requests[0], 'GET /api/datasets/openai/gsm8k/revision/v1');
  assert.deepEqual(hub.requests.slice(1), [`GET /datasets/openai/gsm8k/resolve/${COMMIT}/${TEST}`]);
  const files = filesOf({ set: 'gsm8k', file: undefined }, 'f', env);
  assert.deepEqual(await readdir(ready.path), [TEST.replace('/', '--'), 'origin.json']);
  assert.equal((await readSet('gsm8k', files, 'f')).hash, ready.hash);
  assert.match(await readFile(join(ready.path, 'origin.json'), 'utf8'), new RegExp(`@${COMMIT}.*"licence"`, 's'));
  assert.deepEqual(await readdir(join(cache, 'downloads')), []);

  // It is there: nothing is fetched, and what is there is looked at.
  const before = hub.requests.length;
  assert.deepEqual(await get(), ready);
  assert.deepEqual(await get(COMMIT), ready);
  assert.equal(hub.requests.length, before);
  await assert.rejects(get('f'.repeat(40)), { code: 'DatasetUnreadable', fix: /Remove .* and fetch it again/ });
  writeFileSync(files[0]!, asParquet(rows.slice(1)));
  await assert.rejects(get(), { code: 'DatasetUnreadable', message: /is not the file that was fetched/ });
});

test('a broken line is taken up where it broke, and spoilt or unreadable files become no set', async (t) => {
  const { hub, env, get } = await publish(t, repository);
  hub.cutAfter(TEST, 300);
  hub.spoil(TEST);
  await assert.rejects(get(), { code: 'SetupFailed', message: /is not the file it should be/ });
  assert.ok(hub.requests.some((request) => request.endsWith(' bytes=300-')));
  assert.equal(existsSync(datasetFolder('gsm8k', env)), false);

  const other = await publish(t, { [TEST]: Buffer.from(asLines([{ question: '1+1' }])) });
  await assert.rejects(other.get(), { code: 'RunInputInvalid', message: /:1: no field "answer"/ });
  assert.equal(existsSync(datasetFolder('gsm8k', other.env)), false);

  const none = await publish(t, { 'README.md': Buffer.from('x') });
  await assert.rejects(none.get(), { code: 'DatasetUnreadable', message: /has no file of the form/ });
  none.hub.status = 404;
  await assert.rejects(none.get(), { code: 'DatasetUnreadable', message: /has no dataset openai\/gsm8k/ });
});
