#!/usr/bin/env node
// The `r-zero` command and what `npm start` runs. Plain JavaScript without dependencies, and with syntax that old versions of
// Node can read, so that a fresh clone and an old Node both get a sentence instead of a stack trace.
const wanted = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < wanted[0] || (major === wanted[0] && minor < wanted[1])) {
  console.error(`r-zero needs Node ${wanted.join('.')} or newer; this is Node ${process.versions.node}.`);
  console.error('Install a newer one (nodejs.org, nvm, or your package manager) and start again.');
  process.exitCode = 1;
} else {
  import('./bootstrap.mjs')
    .then((bootstrap) => bootstrap.startCommand(process.argv.slice(2)))
    .then((code) => {
      // Zero too: a failure that code set earlier stays.
      if (code) process.exitCode = code;
    })
    .catch((error) => {
      console.error(error && error.code && error.fix !== undefined ? `${error.code}: ${error.message}` : error);
      process.exitCode = 1;
    });
}
