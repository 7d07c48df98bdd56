import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { startRun } from '../../infra/client.ts';
import { TINY } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { startTestServer } from '../support/temporal.ts';
import { createUserProject, plainEnvironment, ROOT } from './installed-package.ts';
import type { UserProject } from './installed-package.ts';

const run = promisify(execFile);

describe('the package, installed in a project of its own', () => {
  let project: UserProject;
  before(async () => {
    project = await createUserProject();
  });
  after(() => project.remove());

  const files = (): string[] =>
    readdirSync(project.packageDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(project.packageDir.length + 1));

  test('holds compiled code and what it reads beside itself, and neither sources nor tests', () => {
    const names = files();
    const unexpected = names.filter(
      (name) =>
        !/^(dist\/.+|infra\/setup\/(bootstrap|r-zero)\.mjs|package\.json|README\.md|LICENSE)$/.test(name) ||
        /^dist\/(test|infra\/pretrain)\//.test(name) ||
        (name.endsWith('.ts') && !name.endsWith('.d.ts')),
    );
    assert.deepEqual(unexpected, []);
    for (const folder of [
      'db/migrations',
      'db/views',
      'activities/engine/base-model',
      'activities/prompts',
      'infra/report/page',
    ]) {
      assert.deepEqual(
        readdirSync(join(project.packageDir, 'dist', folder)).sort(),
        readdirSync(join(ROOT, folder)).sort(),
      );
    }
  });

  test('names no folder of the machine that built it', () => {
    for (const name of files()) {
      const text = readFileSync(join(project.packageDir, name), 'utf8');
      const map = /sourceMappingURL=data:[^,\s]*;base64,(\S+)/.exec(text)?.[1] ?? '';
      assert.ok(!`${text}${Buffer.from(map, 'base64').toString('utf8')}`.includes(ROOT), name);
    }
  });

  test('every entry point loads on plain Node, by import and by require', async () => {
    const { exports } = JSON.parse(readFileSync(join(project.packageDir, 'package.json'), 'utf8')) as {
      exports: object;
    };
    const script = `
      const entries = ${JSON.stringify(Object.keys(exports))}.filter((entry) => !entry.endsWith('.json'));
      (async () => {
        for (const entry of entries) {
          const name = 'temporal-r-zero' + entry.slice(1);
          const imported = Object.keys(await import(name));
          const required = Object.keys(require(name)).filter((key) => key !== '__esModule');
          if (imported.length === 0 || imported.join() !== required.join()) throw new Error(name);
        }
        process.exit(0);
      })();`;
    await run(process.execPath, ['--input-type=commonjs', '--eval', script], {
      cwd: project.folder,
      env: plainEnvironment(),
    });
  });

  test('the command finds its own code, version and base model', async () => {
    const command = join(project.packageDir, 'infra/setup/r-zero.mjs');
    const call = (...args: string[]) =>
      run(process.execPath, [command, ...args], { cwd: project.folder, env: plainEnvironment() });
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    assert.equal((await call('--version')).stdout.trim(), version);
    assert.match((await call('--help')).stdout, /Usage: r-zero/);
    const { checks } = JSON.parse((await call('doctor', '--json')).stdout) as {
      checks: { name: string; state: string; detail: string }[];
    };
    const model = checks.find(({ name }) => name === 'base model');
    assert.deepEqual(model, {
      name: 'base model',
      state: 'ok',
      detail: join(project.packageDir, 'dist/activities/engine/base-model'),
    });
    assert.ok(!existsSync(join(project.folder, '.r-zero')), 'none of them creates a data directory');
  });

  test("the README's worker compiles and runs an iteration; so does ours, with the bundle from the package", async () => {
    const { url, pool } = await createDatabase();
    const server: TestWorkflowEnvironment = await startTestServer({ searchAttributes: false });
    const dataDir = join(project.folder, 'data');
    const started: ChildProcess[] = [];
    const start = (args: string[]): { child: ChildProcess; ended: Promise<never>; output: () => string } => {
      const env = plainEnvironment({ DATABASE_URL: url, TEMPORAL_ADDRESS: server.address });
      const child = spawn(process.execPath, args, { cwd: project.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
      started.push(child);
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (text: Buffer) => (output += text.toString()));
      const ended = once(child, 'exit').then(([code]) => {
        throw new Error(`The worker ended with ${code}:\n${output}`);
      });
      ended.catch(() => undefined);
      return { child, ended, output: () => output };
    };
    const stop = async (child: ChildProcess): Promise<void> => {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    };
    try {
      await compileReadmeWorker(project, { address: server.address, dataDir });
      const users = start(['out/worker.js']);
      const first = await startRun(server.client, { ...TINY, runId: 'installed' });
      assert.equal((await Promise.race([first.result(), users.ended])).status, 'completed');
      await stop(users.child);
      assert.equal(users.child.exitCode, 0, users.output());
      const { rows } = await pool.query('select count(*)::int as updates from r_zero.policy_updates');
      assert.deepEqual(rows, [
        { updates: (TINY['challenger'] as { steps: number }).steps + (TINY['solver'] as { steps: number }).steps },
      ]);
      assert.ok(existsSync(join(dataDir, 'checkpoints')), 'checkpoints lie in the data directory');

      const ours = start([join(project.packageDir, 'infra/setup/r-zero.mjs'), 'worker', '--data-dir', dataDir]);
      const second = await startRun(server.client, { ...TINY, runId: 'installed', iterations: 2 });
      assert.equal((await Promise.race([second.result(), ours.ended])).status, 'completed');
      await stop(ours.child);
      assert.ok(!existsSync(join(dataDir, 'cache')), 'no bundle was built');
    } finally {
      for (const child of started) child.kill('SIGKILL');
      await server.teardown();
    }
  });
});

/** The README's example, with the test's servers in place of its own, and a workflow module that re-exports ours. */
async function compileReadmeWorker(
  { folder }: UserProject,
  { address, dataDir }: { address: string; dataDir: string },
): Promise<void> {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const example = /```ts\n(import [^`]*new RZeroPlugin\([^`]*)```/.exec(readme)?.[1];
  assert.ok(example, 'the README has a worker that uses RZeroPlugin');
  const source = [
    ["'localhost:7233'", JSON.stringify(address)],
    ["'/srv/r-zero'", JSON.stringify(dataDir)],
    ["taskQueue: 'r-zero',", "taskQueue: 'r-zero', workflowsPath,"],
  ].reduce((text, [from = '', to = '']) => {
    assert.ok(text.includes(from), `the README's worker says ${from}`);
    return text.replace(from, to);
  }, example);
  mkdirSync(join(folder, 'src'));
  writeFileSync(
    join(folder, 'src/worker.ts'),
    `const workflowsPath = new URL('./workflows.js', import.meta.url).pathname;\n${source}\nawait connection.close();\n`,
  );
  writeFileSync(
    join(folder, 'src/workflows.ts'),
    "export * from 'temporal-r-zero/workflows';\nexport const mine = async (): Promise<string> => 'mine';\n",
  );
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    rootDir: 'src',
    outDir: 'out',
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  const compiler = join(folder, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [compiler, '--project', folder]).catch((error: { stdout: string }) =>
    assert.fail(error.stdout),
  );
}
