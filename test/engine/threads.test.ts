import assert from 'node:assert/strict';
import { test } from 'node:test';
import { threadsFor } from '../../activities/engine/threads.ts';
import { SHAPES } from '../bench/engine-shapes.ts';

test('one thread for the built-in model, all for a model that they speed up', () => {
  assert.equal(threadsFor(SHAPES['demo']!), 1);
  assert.equal(threadsFor(SHAPES['40m']!), undefined);
});
