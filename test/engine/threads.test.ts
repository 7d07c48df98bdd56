import assert from 'node:assert/strict';
import { test } from 'node:test';
import { threadsFor } from '../../activities/engine/threads.ts';
import { SHAPE_40M } from '../bench/engine-models.ts';
import { DEMO } from './support/models.ts';

test('one thread for the built-in model, all for a model that they speed up', () => {
  assert.equal(threadsFor(DEMO), 1);
  assert.equal(threadsFor(SHAPE_40M), undefined);
});
