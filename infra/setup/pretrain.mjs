#!/usr/bin/env node
// What `npm run pretrain` runs: set-up as for `npm start`, then the training of the base model. For this checkout only; the
// package carries the model, not the way to make it.
import { importProject, prepareRuntime, provision } from './bootstrap.mjs';

try {
  await prepareRuntime();
  if (await provision(['tensorflow'])) await importProject('infra/pretrain/pretrain');
  else process.exitCode = 1;
} catch (error) {
  console.error(error.fix === undefined ? error : `${error.code}: ${error.message}`);
  process.exitCode = 1;
}
