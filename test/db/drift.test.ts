import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the migrations bring about exactly the schema in schema.ts', async () => {
  const out = await mkdtemp(join(tmpdir(), 'r-zero-drift-'));
  try {
    await cp(join(root, 'db/migrations'), out, { recursive: true });
    const before = await readdir(out);
    // drizzle-kit takes the folder as relative to its working directory, whatever it looks like.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        join(root, 'node_modules/drizzle-kit/bin.cjs'),
        'generate',
        '--dialect=postgresql',
        '--schema=./db/schema.ts',
        `--out=${relative(root, out)}`,
      ],
      { cwd: root },
    );
    assert.match(stdout, /No schema changes/, 'Run `npm run db:generate` and commit the migration.');
    assert.deepEqual(await readdir(out), before);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
});
