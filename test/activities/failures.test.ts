import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/activity';
import { RZeroError } from '../../activities/errors.ts';
import type { ErrorCode } from '../../activities/errors.ts';
import { asFailure } from '../../activities/failures.ts';

function delaysOf(code: ErrorCode): unknown[] {
  return [1, 2, 3, 4].map((attempt) => {
    const failure = asFailure(new RZeroError(code, 'A test.'), attempt);
    assert.ok(failure instanceof ApplicationFailure);
    assert.equal(failure.type, code);
    return failure.nextRetryDelay;
  });
}

test('the attempts of a unit outlast a restart of Postgres and a disk that is being cleared', () => {
  for (const code of ['DatabaseUnreachable', 'DiskFull'] as const)
    assert.deepEqual(delaysOf(code), [2000, 6000, 18_000, 54_000]);
});

test('what a fresh engine mends is tried again as the workflow says', () => {
  assert.deepEqual(delaysOf('EngineCrashed'), [undefined, undefined, undefined, undefined]);
});
