import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { RZeroError } from '../../activities/errors.ts';
import { asFailure } from '../../activities/failures.ts';
import { keepSecret, redactSecrets } from '../../activities/redact.ts';
import { describeError } from '../../infra/cli/report-error.ts';
import { formatLine } from '../../infra/telemetry/log-format.ts';
import { fc } from '../support/properties.ts';

/** Whatever a password may hold; white space ends a word of a connection string. */
const secret = fc.string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' }).filter((text) => /^\S+$/.test(text));
const context = fc.string({ maxLength: 20 });
const SOURCES: readonly (readonly [where: string, env: (value: string) => NodeJS.ProcessEnv])[] = [
  ['a hub token', (value) => ({ HF_TOKEN: value })],
  ['an API key', (value) => ({ TEMPORAL_API_KEY: value })],
  ['a password', (value) => ({ PGPASSWORD: value })],
  ['keys of the codec', (value) => ({ R_ZERO_CODEC_KEYS: `first:abcdefgh,second:${value}` })],
  ['a connection string', (value) => ({ DATABASE_URL: `postgres://u:${encodeURIComponent(value)}@host:5432/db` })],
  ['a header', (value) => ({ OTEL_EXPORTER_OTLP_HEADERS: `x-team=1,authorization=${value}` })],
];

describe('redaction', () => {
  for (const [where, env] of SOURCES) {
    test(`finds the value of ${where} anywhere in a text, as it is, in a URL and in JSON`, () => {
      fc.assert(
        fc.property(secret, context, context, (value, before, after) => {
          fc.pre(!value.includes(',') && !value.includes(':') && !'***'.includes(value) && !/^\*+$/.test(value));
          for (const text of [value, encodeURIComponent(value), JSON.stringify(value)]) {
            const clean = redactSecrets(`${before} ${text} ${after}`, env(value));
            const left = clean.replaceAll('***', '').replace(before, '').replace(after, '');
            assert.ok(!left.includes(value), clean);
          }
        }),
      );
    });
  }

  for (const text of [
    'connect to postgres://me:hunter2@db.example:5432/r failed',
    'host=db user=me password=hunter2 sslmode=require',
    'postgresql://db/r?user=me&password=hunter2&x=1',
    '{"apiKey": "hunter2", "port": 1}',
    'Authorization: Bearer hunter2hunter2',
    'the token hf_hunter2hunter2 was refused',
    'key eyJhbGciOiJ9.eyJhdWQiOiJ0hunter2.c2lnbmF0hunter2',
    '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----',
  ]) {
    test(`knows a secret by its form: ${text.slice(0, 32)}`, () => {
      const clean = redactSecrets(text, {});
      assert.ok(!clean.includes('hunter2') && clean.includes('***'), clean);
      assert.equal(redactSecrets(clean, {}), clean, 'once is enough');
    });
  }

  test('leaves ordinary sentences alone', () => {
    for (const text of [
      'Question 12 at http://127.0.0.1:8233/namespaces has 7 tokens: 3 kept, key 5.',
      'solver.maxTokens must be at least 1, not -3. token = 4',
    ])
      assert.equal(redactSecrets(text, { PORT: '8233', USER: 'key' }), text);
  });

  test('reaches failures for Temporal, errors on a terminal and log lines of both formats', () => {
    const password = 'tr0ub4dor&3';
    keepSecret(`postgres://me:${encodeURIComponent(password)}@db/r`);
    const holds = `cannot log in with ${password}`;
    const failures = [
      new Error(holds),
      new RZeroError('DatabaseUnreachable', holds, { fix: `Not ${password}.` }),
      ApplicationFailure.nonRetryable(holds, 'CheckpointCorrupt', { password }),
    ];
    for (const failure of failures) {
      const made = asFailure(failure) as ApplicationFailure;
      const all = [made.message, made.stack, JSON.stringify(made.details), String(made.cause)].join('\n');
      assert.ok(!all.includes(password) && all.includes('***'), all);
    }
    assert.deepEqual((asFailure(failures[2]) as ApplicationFailure).nonRetryable, true);
    const paint = (_: unknown, text: string): string => text;
    const lines = describeError(failures[1], { verbose: true, paint }).join('\n');
    assert.ok(!lines.includes(password) && lines.includes('***'), lines);
    for (const format of ['text', 'json'] as const) {
      const meta = { url: holds, error: failures[1], nested: { deep: [holds] } };
      const line = formatLine({ level: 'WARN', message: holds, timestampNanos: 0n, meta }, format);
      assert.ok(!line.includes(password) && line.includes('***'), line);
    }
  });
});

describe('a log line', () => {
  const entry = {
    level: 'INFO' as const,
    message: 'stored',
    timestampNanos: 1_700_000_000_000_000_000n,
    meta: { activityId: '7', unit: 2, workflowId: 'r-zero/demo/iteration-3', phase: 'labelling', note: 'two words' },
  };

  test('as text says time, level, message and place, for a person', () => {
    assert.equal(
      formatLine(entry, 'text'),
      '2023-11-14T22:13:20.000Z INFO  stored run=demo iteration=3 phase=labelling unit=2 note="two words"',
    );
  });

  test('as JSON has everything', () => {
    const { time, ...others } = JSON.parse(formatLine(entry, 'json')) as Record<string, unknown>;
    assert.equal(time, '2023-11-14T22:13:20.000Z');
    const { level, message, meta } = entry;
    assert.deepEqual(others, { level, message, run: 'demo', iteration: 3, ...meta });
  });

  test('is one line whatever a message holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (message, value) => {
        for (const format of ['text', 'json'] as const) {
          const line = formatLine({ ...entry, message, meta: { value } }, format);
          // eslint-disable-next-line no-control-regex -- what this is about
          assert.doesNotMatch(line, /[\u0000-\u001f]/);
        }
      }),
    );
  });
});
