/** A process of its own that starts the stack of the given data directory, prints where it is, and waits to be killed. */
import { startStack } from '../../infra/dev-stack/index.ts';

const { databaseUrl, temporalAddress } = await startStack({ dataDir: process.argv[2] ?? '' });
process.stdout.write(JSON.stringify({ databaseUrl, temporalAddress }));
setInterval(() => undefined, 1000);
