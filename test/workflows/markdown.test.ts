import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../support/properties.ts';
import { code, escapeText, formatNumber, progressBar, sqlLiteral } from '../../workflows/markdown.ts';
import type { RunStatusView } from '../../workflows/messages.ts';
import { renderRun } from '../../workflows/progress.ts';

const VIEW: RunStatusView = {
  runId: 'demo',
  status: 'running',
  resumed: false,
  progress: 0,
  pauseRequested: false,
  cancelAfterPhaseRequested: false,
  lastMetrics: {},
  summaries: [],
};

describe('Markdown of the live details', () => {
  test('escaped text opens no markup, no HTML and no table cell', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const escaped = escapeText(text);
        assert.doesNotMatch(escaped, /[\n\r]/);
        const bare = escaped.replace(/\\[\\`*_{}[\]()#+!|~<>&]/g, '');
        assert.doesNotMatch(bare, /[\\`*_{}[\]()#+!|~<>&]/);
      }),
    );
  });

  test('code spans cannot be ended from inside', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (text) => {
        assert.match(code(text), /^`[^`\r\n|]*`$/);
      }),
    );
  });

  test('a SQL literal holds its text, whatever quotes are in it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (text) => {
        const literal = sqlLiteral(text);
        assert.match(literal, /^'(?:[^']|'')*'$/);
        assert.doesNotMatch(literal, /[`\r\n]/);
      }),
    );
  });

  test('the progress bar has one width for every share, sensible or not', () => {
    for (const share of [-1, 0, 0.004, 0.5, 0.999, 1, 7, Number.NaN, Number.POSITIVE_INFINITY]) {
      const [, bar = ''] = /^`([█░]+)` \d+ %$/.exec(progressBar(share)) ?? [];
      assert.equal(bar.length, 24, `for ${share}`);
    }
    assert.match(progressBar(0.999), / 99 %$/, '100 % is kept for the end');
  });

  test('numbers are short and never "NaN"', () => {
    assert.deepEqual([3, 0.123456, 1e-9, 12345.678, Number.NaN].map(formatNumber), [
      '3',
      '0.1235',
      '1e-9',
      '12350',
      '–',
    ]);
  });

  test('a run with many iterations and metrics stays far below the limit of 20 kB', () => {
    const metrics = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`metric_number_${i}`, i / 7]));
    const summaries = Array.from({ length: 500 }, (_, iteration) => ({ runId: 'demo', iteration, metrics }));
    const details = renderRun({ ...VIEW, reason: 'r'.repeat(400), lastMetrics: metrics, summaries });
    assert.ok(Buffer.byteLength(details) < 10_000, `${Buffer.byteLength(details)} bytes`);
    assert.match(details, /\| 499 \|/);
  });

  test('a run that is not open yet is shown without numbers it cannot know', () => {
    const details = renderRun(VIEW);
    assert.doesNotMatch(details, /undefined|NaN|planned|Phase/);
  });

  test('label accuracy is shown by oracle, each with its interval in one cell', () => {
    const metrics = {
      iteration: 1,
      kept: 180,
      label_accuracy: 0.713,
      label_accuracy_lower: 0.64,
      label_accuracy_upper: 0.775,
      'label_accuracy judge:gpt<b>': 0.7,
      'label_accuracy judge:gpt<b>_lower': 0.5,
      'label_accuracy judge:gpt<b>_upper': 0.9,
    };
    const rows = renderRun({ ...VIEW, summaries: [{ runId: 'demo', iteration: 1, metrics }] }).split('\n');
    assert.deepEqual(
      rows.filter((row) => row.includes('label accuracy')).map((row) => row.replace(/\s+/g, ' ')),
      ['| label accuracy | 71.3 % (64.0–77.5) |', String.raw`| label accuracy judge:gpt\<b\> | 70.0 % (50.0–90.0) |`],
    );
  });
});
