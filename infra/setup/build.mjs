#!/usr/bin/env node
// What `npm run build` runs: `dist/`, the compiled form that is published. It is made anew each time, so that nothing of an
// older build is published with it. Plain JavaScript, because nothing may be installed yet.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installDependencies, root } from './bootstrap.mjs';

/** What the code reads beside itself at run time, and the compiler leaves behind. */
const ASSETS = ['db/migrations', 'db/views', 'activities/engine/base-model', 'activities/prompts', 'infra/report/page'];

const dist = join(root, 'dist');

async function build() {
  await installDependencies();
  rmSync(dist, { recursive: true, force: true });
  if (!compile()) return 1;
  nameCompiledTypes();
  for (const folder of ASSETS) cpSync(join(root, folder), join(dist, folder), { recursive: true });
  await bundleWorkflows();
  return 0;
}

function compile() {
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json');
  const args = [join(dirname(compiler), 'bin', 'tsc'), '--project', join(root, 'infra/setup/tsconfig.build.json')];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  return status === 0;
}

/** The compiler rewrites the imports of the code, but leaves those of the declarations at sources that are not published. */
function nameCompiledTypes() {
  for (const name of readdirSync(dist, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue;
    const file = join(dist, name);
    const text = readFileSync(file, 'utf8');
    const renamed = text.replace(/((?:\bfrom |\bimport\()(['"])\.[^'"\n]*)\.ts\2/g, '$1.js$2');
    if (renamed !== text) writeFileSync(file, renamed);
  }
}

/** So that the first start of an installed worker need not wait for webpack. */
async function bundleWorkflows() {
  // webpack names modules by their path from here.
  process.chdir(root);
  const module = pathToFileURL(join(dist, 'infra/workflow-bundle.js'));
  const { prebuildWorkflowBundle } = await import(module.href);
  await prebuildWorkflowBundle(root);
}

process.exitCode = await build();
