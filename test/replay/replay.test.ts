/**
 * Whether this code goes on with what earlier code began: the recorded histories of every released version (`histories/<version>`, made
 * by `npm run replay:record`) are replayed through the plugin, as a worker replays a run that it did not start.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { DefaultLogger, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { packageVersion } from '../../infra/package-info.ts';
import { RZeroPlugin } from '../../infra/plugin.ts';
import { installQuietRuntime, testBundle } from '../support/temporal.ts';

interface History {
  events: { eventType: string; workflowExecutionStartedEventAttributes?: { workflowType: { name: string } } }[];
}

interface Recorded {
  name: string;
  history: History;
  type: string;
}

const folder = fileURLToPath(new URL('./histories', import.meta.url));
const versions = readdirSync(folder);

function read(version: string): Recorded[] {
  return readdirSync(join(folder, version)).map((file) => {
    const history = JSON.parse(gunzipSync(readFileSync(join(folder, version, file))).toString()) as History;
    const type = history.events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name ?? '';
    return { name: file.replace(/\.json\.gz$/, ''), history, type };
  });
}

/** @returns what each history failed with; nothing when all replay */
async function failures(recorded: readonly Recorded[], code: string): Promise<Map<string, Error>> {
  const plugins = [new RZeroPlugin({ database: 'postgres://not-opened' })];
  const histories = recorded.map(({ name, history }) => ({ workflowId: name, history }));
  const found = new Map<string, Error>();
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { plugins, workflowBundle: { code }, replayName: 'corpus' },
    histories,
  ))
    if (error) found.set(workflowId, error);
  return found;
}

installQuietRuntime();

test('the version of this package has its histories', () => {
  assert.ok(versions.includes(packageVersion()), 'Record them with: npm run replay:record');
});

for (const version of versions) {
  describe(`histories of version ${version}`, () => {
    const recorded = read(version);

    test('replay through the plugin', async () => {
      const found = await failures(recorded, (await testBundle()).code);
      assert.deepEqual(
        Object.fromEntries(found),
        {},
        'This code breaks runs that are going on: see workflows/README.md.',
      );
    });

    test('are of every kind of workflow, and of every end that one can have', () => {
      const types = new Set(recorded.map(({ type }) => type));
      for (const type of ['rZeroRun', 'rZeroIteration', 'rZeroNightly']) assert.ok(types.has(type), type);
      const ends = new Set(recorded.map(({ history, type }) => `${type} ${history.events.at(-1)?.eventType}`));
      for (const end of [
        'rZeroRun EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED',
        'rZeroRun EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED',
        'rZeroRun EVENT_TYPE_WORKFLOW_EXECUTION_FAILED',
        'rZeroRun EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW',
        'rZeroIteration EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW',
        'rZeroNightly EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED',
        'rZeroNightly EVENT_TYPE_WORKFLOW_EXECUTION_FAILED',
      ])
        assert.ok(ends.has(end), end);
      const updated = recorded.filter(({ history }) =>
        history.events.some(({ eventType }) => eventType === 'EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED'),
      );
      assert.ok(updated.length >= 4, 'paused, resumed, extended, parked');
      const words = recorded.map(({ history }) => JSON.stringify(history));
      for (const order of ['"resetTo"', '"changeRunInput"', '"checkAlarms"', '"resetRun"'])
        assert.ok(
          words.some((text) => text.includes(`"name":${order}`)),
          order,
        );
    });

    test('do not tell who recorded them, or where', () => {
      for (const { name, history } of recorded) {
        const text = JSON.stringify(history);
        assert.doesNotMatch(text, /"identity":"(?!recorder")/, name);
        assert.doesNotMatch(text, /node_modules|file:\/\//, name);
      }
    });
  });
}

describe('a changed workflow', () => {
  let copy: string;
  let code: string;
  before(async () => {
    const workflows = fileURLToPath(new URL('../../workflows', import.meta.url));
    // Beside the original, so that what it imports is found.
    copy = mkdtempSync(join(dirname(workflows), 'test', 'replay', 'changed-'));
    cpSync(workflows, copy, { recursive: true });
    rewrite('iteration.ts', [
      ['import {\n  ApplicationFailure,', 'import {\n  sleep,\n  ApplicationFailure,'],
      [
        "const plan = await attempt(state, 'begin'",
        "await sleep('1 second');\n  const plan = await attempt(state, 'begin'",
      ],
    ]);
    // The same change, made as workflows/README.md says.
    rewrite('run.ts', [
      ["} from '@temporalio/workflow';", "  patched,\n} from '@temporalio/workflow';"],
      [
        'const plan = await openRun(',
        "if (patched('a-second-of-rest')) await sleep('1 second');\n    const plan = await openRun(",
      ],
    ]);
    const bundle = await bundleWorkflowCode({
      workflowsPath: join(copy, 'index.ts'),
      logger: new DefaultLogger('ERROR'),
    });
    code = bundle.code;
  });
  after(() => rmSync(copy, { recursive: true }));

  function rewrite(file: string, changes: readonly (readonly [string, string])[]): void {
    let source = readFileSync(join(copy, file), 'utf8');
    for (const [from, to] of changes) {
      assert.ok(source.includes(from), `${file} has no "${from}"`);
      source = source.replace(from, to);
    }
    writeFileSync(join(copy, file), source);
  }

  test('is caught when it does something else in the middle of an old history', async () => {
    const iterations = read(packageVersion()).filter(({ type }) => type === 'rZeroIteration');
    const found = await failures(iterations, code);
    assert.equal(found.size, iterations.length);
    for (const error of found.values()) assert.ok(error instanceof DeterminismViolationError);
  });

  test('replays old histories when the change is for new ones only', async () => {
    const runs = read(packageVersion()).filter(({ type }) => type === 'rZeroRun');
    assert.ok(runs.length > 5);
    assert.deepEqual(Object.fromEntries(await failures(runs, code)), {});
  });
});
