/** The package as npm would publish it, put into a project of its own beside the dependencies of this checkout. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export interface UserProject {
  folder: string;
  /** The installed package. */
  packageDir: string;
  remove(): void;
}

/** Builds, packs and unpacks: only what `npm publish` would send is there. */
export async function createUserProject(): Promise<UserProject> {
  const folder = mkdtempSync(join(tmpdir(), 'r-zero-package-'));
  const packages = join(folder, 'node_modules');
  const packageDir = join(packages, 'temporal-r-zero');
  await run(process.execPath, [join(ROOT, 'infra/setup/build.mjs')], { env: plainEnvironment() });
  const [program, ...first] = process.env['npm_execpath']
    ? [process.execPath, process.env['npm_execpath']]
    : (['npm'] as const);
  const pack = [...first, 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  await run(program, pack, { cwd: ROOT, env: plainEnvironment() });
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (archive === undefined) throw new Error('npm pack left no archive.');
  mkdirSync(packageDir, { recursive: true });
  await run('tar', ['-xzf', join(folder, archive), '-C', packageDir, '--strip-components=1']);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(packages, name));
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  return { folder, packageDir, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What a user's shell would have: nothing that makes Node read TypeScript or report to this test. */
export function plainEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...env } = process.env;
  return { ...env, ...extra };
}
