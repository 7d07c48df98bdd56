import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './installed-package.ts';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
const declared = Object.keys({ ...manifest['dependencies'], ...manifest['peerDependencies'] });

/** Of this checkout alone: they run from sources, with the development dependencies. */
const NOT_SHIPPED = [
  'infra/pretrain',
  'infra/setup/bootstrap.mjs',
  'infra/setup/build.mjs',
  'infra/setup/pretrain.mjs',
  'infra/setup/script.mjs',
  'infra/setup/test.mjs',
];
/** The loader of the sources, asked for only when this file is one. */
const SOURCES_ONLY = ['tsx'];
/** The types of what others import; a consumer's compiler needs them. */
const TYPES_OF: Readonly<Record<string, string>> = { '@types/pg': 'pg' };

function shippedSources(): string[] {
  const all = ['workflows', 'activities', 'db', 'infra'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1)),
  );
  return all.filter((name) => name !== 'db/drizzle.config.ts' && !NOT_SHIPPED.some((path) => name.startsWith(path)));
}

/** Packages that a source names in an import, a `require` or a `resolve`; comments and SQL's `is distinct from` aside. */
function packagesIn(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const specifier =
    /(?:(?<!\bdistinct )\bfrom\s+|\bimport\s+|\b(?:import|require(?:Cjs)?|resolve)\(\s*)['"]((?:@[\w-]+\/)?[a-z][\w-]*)(?:\/[^'"]*)?['"]/g;
  return [...code.matchAll(specifier)].map((match) => match[1] ?? '');
}

const used = new Map<string, string>();
for (const name of shippedSources()) {
  for (const dependency of packagesIn(readFileSync(join(ROOT, name), 'utf8'))) used.set(dependency, name);
}

test('every package that shipped code names is declared, so that strict installers provide it', () => {
  const missing = [...used].filter(([name]) => !declared.includes(name) && !SOURCES_ONLY.includes(name));
  assert.deepEqual(missing, []);
});

test('every declared package is used', () => {
  const unused = declared.filter((name) => !used.has(TYPES_OF[name] ?? name));
  assert.deepEqual(unused, []);
});

test("Temporal's packages are those of the worker's own project: two copies would not share a runtime", () => {
  const ofDependencies = Object.keys(manifest['dependencies'] ?? {}).filter((name) => name.startsWith('@temporalio/'));
  assert.deepEqual(ofDependencies, []);
  for (const [name, range] of Object.entries(manifest['peerDependencies'] ?? {})) {
    assert.equal(range, `^${manifest['devDependencies']?.[name]}`, name);
  }
});

test('the lock file is of this package.json', () => {
  const lockPath = join(ROOT, 'package-lock.json');
  assert.ok(existsSync(lockPath));
  const { packages } = JSON.parse(readFileSync(lockPath, 'utf8')) as { packages: Record<string, typeof manifest> };
  for (const kind of ['dependencies', 'peerDependencies', 'devDependencies', 'optionalDependencies']) {
    assert.deepEqual(packages['']?.[kind], manifest[kind], kind);
  }
});
