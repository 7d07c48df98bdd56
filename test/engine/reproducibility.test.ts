import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DEMO, temporaryFolder, writeBaseModel } from './support/models.ts';

const program = fileURLToPath(new URL('./support/trace.ts', import.meta.url));

async function trace(folder: string): Promise<unknown> {
  const args = ['--import', 'tsx', program, folder, `${folder}/checkpoints`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

test('two processes sample, train and checkpoint the same, bit by bit', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, DEMO);
  const first = await trace(folder);
  assert.deepEqual(await trace(folder), first);
});
