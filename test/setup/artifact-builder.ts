/** A process of its own that builds the artifact `thing-1` in the cache named first; second argument: `hang` in the middle, or `count`. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureArtifact } from '../../infra/setup/cache.ts';

const [, , cache = '', mode] = process.argv;

await ensureArtifact({
  name: 'thing-1',
  cache,
  async build(staging) {
    writeFileSync(join(staging, 'file'), 'half');
    if (mode === 'hang') {
      process.stdout.write('hanging');
      await sleep(60_000);
    }
    await sleep(200);
    writeFileSync(join(staging, 'file'), 'whole');
    appendFileSync(join(cache, 'builds.log'), 'built\n');
  },
});
