#!/usr/bin/env node
// Runs a TypeScript program of this checkout: `node infra/setup/script.mjs test/conformance/run.ts --vectors FILE`. Dependencies
// are installed first, as for `npm start`. For this checkout only; the package carries no such programs.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { prepareRuntime, root } from './bootstrap.mjs';

try {
  const [program, ...args] = process.argv.slice(2);
  if (program === undefined) throw new Error('Usage: node infra/setup/script.mjs PROGRAM.ts [arguments]');
  await prepareRuntime();
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), join(root, program), ...args], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => done(signal ? 1 : code));
  });
} catch (error) {
  console.error(error.fix === undefined ? error : `${error.code}: ${error.message}`);
  process.exitCode = 1;
}
