import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { formatDoctorReport, runDoctor } from '../../infra/cli/doctor.ts';
import type { DoctorReport } from '../../infra/cli/doctor.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'r-zero-doctor-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const bare = (): NodeJS.ProcessEnv => ({
  PATH: '/nonexistent',
  HOME: folder,
  R_ZERO_CACHE: join(folder, 'cache'),
  TEMPORAL_CONFIG_FILE: '/nonexistent',
});

function check(report: DoctorReport, name: string): DoctorReport['checks'][number] {
  const found = report.checks.find((entry) => entry.name === name);
  assert.ok(found, `no check named ${name}`);
  return found;
}

test('a machine without Python and Temporal is told how to get both, and is not fit', async () => {
  const report = await runDoctor({ dataDir: join(folder, 'data'), env: { ...bare(), R_ZERO_TENSORFLOW: 'wasm' } });
  assert.equal(report.ok, false);
  assert.equal(report.backend, 'wasm');
  const python = check(report, 'Python');
  assert.equal(python.state, 'missing');
  assert.match(python.detail, /^PythonMissing: no Python 3 was found/);
  assert.match(python.fix ?? '', /R_ZERO_PYTHON/);
  assert.match(check(report, 'Temporal').fix ?? '', /TEMPORAL_ADDRESS/);
  // WebAssembly needs no compiler: its absence is worth a word, not a failure.
  assert.equal(check(report, 'C++ compiler').state, 'warn');
  assert.equal(check(report, 'Postgres').state, 'ok');
  assert.deepEqual(readdirSync(folder), [], 'the doctor creates nothing');
});

test('servers of the user that do not answer are named, without the password', async () => {
  const env = {
    ...bare(),
    R_ZERO_TENSORFLOW: 'wasm',
    DATABASE_URL: 'postgresql://me:secret-word@127.0.0.1:1/db',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  };
  const report = await runDoctor({ dataDir: join(folder, 'data'), env });
  assert.match(check(report, 'Postgres').detail, /^DatabaseUnreachable: /);
  assert.match(check(report, 'Temporal').detail, /^TemporalUnreachable: /);
  assert.ok(!JSON.stringify(report).includes('secret-word'));
});

test('a data directory that cannot be used is reported', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const report = await runDoctor({ dataDir: join(file, 'data'), env: { ...bare(), R_ZERO_TENSORFLOW: 'wasm' } });
  assert.equal(check(report, 'data directory').state, 'missing');
  rmSync(file);
});

test('the text names each check once, with its fix, and the engine that will run', () => {
  const text = formatDoctorReport({
    ok: false,
    backend: 'cpu',
    checks: [
      { name: 'Node', state: 'ok', detail: '20' },
      { name: 'Python', state: 'missing', detail: 'none', fix: 'Install it.' },
    ],
  });
  assert.equal(
    text,
    [
      '✓ Node    20',
      '✗ Python  none',
      '          → Install it.',
      '',
      'Engine: TensorFlow on the CPU. Something needed is missing; see the lines marked ✗.',
    ].join('\n'),
  );
});
