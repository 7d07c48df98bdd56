import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifest } from '../../activities/engine/checkpoint-manifest.ts';
import { parseModelConfig } from '../../activities/engine/config.ts';
import { shown } from '../../activities/engine/shown.ts';

const DEEP = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;

test('values of files are shown as JSON, and cut where they are long', () => {
  assert.deepEqual([shown('a"b'), shown([1, null]), shown(undefined)], ['"a\\"b"', '[1,null]', 'nothing']);
  assert.equal(shown('x'.repeat(1_000)).length, 100);
});

test('a value deeper than the stack is refused with a code like any other', () => {
  const message = { code: 'CheckpointCorrupt', message: /has format lists in lists without end/ };
  assert.throws(() => parseManifest('folder', Buffer.from(`{"formatVersion": ${DEEP}}`)), message);
  assert.throws(() => parseModelConfig(`{"model_type": ${DEEP}}`), { code: 'ModelUnreadable' });
});
