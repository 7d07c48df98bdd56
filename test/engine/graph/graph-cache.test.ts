import assert from 'node:assert/strict';
import { appendFile, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadProgram } from '../../../activities/engine/graph/graph-cache.ts';
import { resolveLora } from '../../../activities/engine/lora.ts';
import type { Program } from '../../../activities/engine/graph/program.ts';
import { TINY, temporaryFolder } from '../support/models.ts';

const OPTIONS = { denseLoss: false };
const PROGRAM: Program = {
  nodes: [{ name: 'x', op: 'Placeholder', inputs: [], attributes: { dtype: { type: 'float32' } } }],
  entries: { same: { inputs: [{ name: 'x:0', dtype: 'float32' }], outputs: ['x:0'] } },
};

function counting(): { trace: () => Program; count: () => number } {
  let count = 0;
  return {
    count: () => count,
    trace: () => {
      count++;
      return PROGRAM;
    },
  };
}

test('a program is traced once for each shape of model and each option', async (t) => {
  const cache = await temporaryFolder(t);
  const { trace, count } = counting();
  const first = loadProgram(cache, TINY, OPTIONS, trace);
  const second = loadProgram(cache, { ...TINY }, OPTIONS, trace);
  assert.equal(count(), 1);
  assert.deepEqual([first.cached, second.cached], [false, true]);
  assert.deepEqual(second.entries, PROGRAM.entries);
  loadProgram(cache, { ...TINY, heads: 2 }, OPTIONS, trace);
  loadProgram(cache, TINY, { denseLoss: true }, trace);
  assert.equal(count(), 3);
  assert.equal((await readdir(cache)).length, 3);
});

test('adapters of another rank or scale, or of other matrices, make another program', async (t) => {
  const cache = await temporaryFolder(t);
  const { trace, count } = counting();
  const kinds = [
    { r: 2, loraAlpha: 4 },
    { r: 3, loraAlpha: 4 },
    { r: 2, loraAlpha: 6 },
    { r: 2, loraAlpha: 4, targetModules: ['q_proj'] as const },
  ];
  loadProgram(cache, TINY, OPTIONS, trace);
  for (const kind of kinds) loadProgram(cache, { ...TINY, lora: resolveLora(kind) }, OPTIONS, trace);
  assert.equal(count(), 1 + kinds.length);
  const [first] = kinds;
  assert.equal(loadProgram(cache, { ...TINY, lora: resolveLora(first!) }, OPTIONS, trace).cached, true);
});

test('a damaged program is ignored and made anew', async (t) => {
  const cache = await temporaryFolder(t);
  const { trace, count } = counting();
  const { folder } = loadProgram(cache, TINY, OPTIONS, trace);
  const good = await readFile(join(folder, 'saved_model.pb'));
  const damages = [
    () => appendFile(join(folder, 'saved_model.pb'), 'x'),
    () => writeFile(join(folder, 'saved_model.pb'), ''),
    () => rm(join(folder, 'saved_model.pb')),
    () => writeFile(join(folder, 'entries.json'), '{"sha'),
    () => rm(join(folder, 'entries.json')),
  ];
  for (const [index, damage] of damages.entries()) {
    await damage();
    const again = loadProgram(cache, TINY, OPTIONS, trace);
    assert.equal(count(), index + 2);
    assert.deepEqual(await readFile(join(again.folder, 'saved_model.pb')), good);
    assert.equal(loadProgram(cache, TINY, OPTIONS, trace).cached, true);
  }
});

test('without a writable cache the program is traced, and its folder goes when it is released', async (t) => {
  const cache = await temporaryFolder(t);
  await writeFile(join(cache, 'file'), '');
  const { trace, count } = counting();
  for (const times of [1, 2]) {
    const program = loadProgram(join(cache, 'file', 'below'), TINY, OPTIONS, trace);
    assert.equal(count(), times);
    assert.ok((await readFile(join(program.folder, 'saved_model.pb'))).length > 0);
    program.release();
    await assert.rejects(readFile(join(program.folder, 'saved_model.pb')));
  }
});

test('a crowded cache loses its oldest programs', async (t) => {
  const cache = await temporaryFolder(t);
  const { trace } = counting();
  for (let heads = 1; heads <= 53; heads++) loadProgram(cache, { ...TINY, heads }, OPTIONS, trace);
  assert.equal((await readdir(cache)).length, 50);
  assert.equal(loadProgram(cache, { ...TINY, heads: 53 }, OPTIONS, trace).cached, true);
});
