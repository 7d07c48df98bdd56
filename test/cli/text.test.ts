import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../support/properties.ts';
import { RZeroError } from '../../activities/errors.ts';
import { clock, count, decimal, duration, fileSize, percent, points } from '../../infra/cli/numbers.ts';
import { Interrupted, describeError, exitCodeOf } from '../../infra/cli/report-error.ts';
import { psqlInvocation, renderRows } from '../../infra/cli/sql.ts';
import { printable } from '../../infra/cli/terminal.ts';
import { plain } from './support/snapshots.ts';

// eslint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

describe('numbers', () => {
  test('read the way people write them', () => {
    assert.equal(percent(0.7125), '71.3 %');
    assert.equal(points(0.94, 0.28), '+66.0');
    assert.equal(points(0.28, 0.3), '-2.0');
    assert.equal(points(0.27999, 0.28), '+0.0');
    assert.equal(decimal(0.612), '0.61');
    assert.equal(count(12_345), '12,345');
    assert.deepEqual([0, 999, 4_300_000, 99_960_000, 999_600_000].map(fileSize), [
      '0 bytes',
      '999 bytes',
      '4.3 MB',
      '100 MB',
      '1.0 GB',
    ]);
    assert.equal(clock(new Date(2026, 0, 1, 4, 5, 6)), '04:05:06');
  });

  test('durations never carry sixty of anything', () => {
    assert.deepEqual([0, 0.84, 9.96, 59.6, 83, 3599.7, 7300].map(duration), [
      '0.0 s',
      '0.8 s',
      '10 s',
      '1 min 00 s',
      '1 min 23 s',
      '1 h 00 min',
      '2 h 01 min',
    ]);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (value) => !/\b60 (s|min)/.test(duration(value))),
    );
  });

  test('what is missing is a dash', () => {
    for (const text of [percent(null), points(0.5, null), decimal(Number.NaN), count(undefined), duration(null)])
      assert.equal(text, '–');
  });
});

describe('errors', () => {
  const linesOf = (error: unknown, verbose = false) =>
    describeError(error, { verbose, logs: '/data/logs', paint: plain });

  test('are shown with code, field and fix, each once', () => {
    const error = new RZeroError('PortInUse', 'Port 7233 is taken.', {
      field: 'R_ZERO_TEMPORAL_PORT',
      fix: 'Choose another.',
    });
    assert.deepEqual(linesOf(error), [
      'error [PortInUse] Port 7233 is taken.',
      '  field: R_ZERO_TEMPORAL_PORT',
      '  fix: Choose another.',
    ]);
  });

  test('of a query are shown with the code of Postgres and its hint', () => {
    const error = Object.assign(new Error('column "x" does not exist'), {
      code: '42703',
      severity: 'ERROR',
      hint: 'Perhaps you meant "y".',
    });
    assert.deepEqual(linesOf(error), ['error [42703] column "x" does not exist', '  hint: Perhaps you meant "y".']);
  });

  test('that nobody expected name the logs, and the stack on request only', () => {
    const error = new TypeError('cannot read\n properties', { cause: new Error('below') });
    const lines = linesOf(error);
    assert.equal(lines[0], 'error [Internal] cannot read properties');
    assert.match(lines[1] ?? '', /\/data\/logs.*--verbose/);
    assert.equal(lines.length, 2);
    assert.match(linesOf(error, true).join('\n'), /at [^]*caused by Error: below/);
  });

  test('never write control characters of their message', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (message) => {
        const lines = linesOf(new RZeroError('Internal', message, { fix: message }));
        assert.ok(lines.every((line) => !CONTROL.test(line)));
      }),
    );
  });

  test('lead to the exit codes that shells expect', () => {
    assert.equal(exitCodeOf(new RZeroError('Internal', 'x')), 1);
    assert.equal(exitCodeOf(new Interrupted('SIGINT')), 130);
    assert.equal(exitCodeOf(new Interrupted('SIGTERM')), 143);
  });
});

describe('text of others', () => {
  test('cannot steer the terminal', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !CONTROL.test(printable(text))));
    assert.equal(printable('a\u001b[31m\tb\n'), 'a\\u001b[31m\\tb\\n');
    assert.equal(printable('2+3=5 é 漢 🙂'), '2+3=5 é 漢 🙂');
  });

  test('stands in a table of rows as one short line a cell', () => {
    const answer = {
      command: 'SELECT',
      rowCount: 2,
      fields: [{ name: 'question' }, { name: 'p_hat' }, { name: 'votes' }],
      rows: [
        ['1+\n\u001b[2J2', 0.612345, { 3: 5 }],
        ['x'.repeat(200), null, [1, 2]],
      ],
    };
    const lines = renderRows(answer).split('\n');
    assert.equal(lines.length, 4);
    assert.match(lines[1] ?? '', /1\+\\n\\u001b\[2J2 +0\.6123 +\{"3":5\}/);
    assert.match(lines[2] ?? '', /^ {2}x{59}… /);
    assert.equal(lines[3], '(2 rows)');
    assert.equal(renderRows({ command: 'UPDATE', rowCount: 3, fields: [], rows: [] }), 'UPDATE 3');
  });
});

describe('psql', () => {
  test('gets the password through its environment, where other users cannot read it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, maxLength: 40 }), (password) => {
        const url = `postgresql://r_zero:${encodeURIComponent(password)}@127.0.0.1:5433/r_zero`;
        const { args, env } = psqlInvocation(url, {});
        assert.equal(env['PGPASSWORD'], password);
        assert.deepEqual(args, ['--dbname', 'postgresql://r_zero@127.0.0.1:5433/r_zero']);
      }),
    );
  });

  test('keeps the rest of a connection string, and finds our schema first', () => {
    const { args, env } = psqlInvocation('postgresql://u@host/db?sslmode=require', {});
    assert.deepEqual(args, ['--dbname', 'postgresql://u@host/db?sslmode=require']);
    assert.equal(env['PGPASSWORD'], undefined);
    assert.match(env['PGOPTIONS'] ?? '', /search_path=r_zero,public/);
    assert.deepEqual(psqlInvocation('host=h dbname=d', {}).args, ['--dbname', 'host=h dbname=d']);
  });
});
