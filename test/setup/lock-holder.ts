/** A process of its own that tries for the lock named by its argument, prints the answer, and waits to be killed. */
import { tryLock } from '../../infra/setup/file-lock.ts';

const attempt = await tryLock(process.argv[2] ?? '');
process.stdout.write('lock' in attempt ? 'locked' : `held by ${attempt.heldBy.owner.pid}`);
setInterval(() => undefined, 1000);
