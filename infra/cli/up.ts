/** `r-zero up`: servers and a worker that stay until Ctrl-C. */
import { redact } from '../dev-stack/index.ts';
import { dataDirArguments } from './demo-run.ts';
import { databaseAnswers } from './endpoints.ts';
import { orAborted, pause } from './interrupts.ts';
import { Interrupted } from './report-error.ts';
import { describeNamespace } from './run-workflow.ts';
import { withStack } from './stack-session.ts';
import type { StackSession } from './stack-session.ts';
import type { Terminal } from './terminal.ts';

export interface UpOptions {
  dataDir: string;
  /** False for the servers alone. */
  worker: boolean;
  /** Variables for the worker, beside those of this process. */
  workerSettings: NodeJS.ProcessEnv;
}

const HEALTH_INTERVAL_MS = 5_000;

export async function up({ dataDir, worker, workerSettings }: UpOptions, terminal: Terminal): Promise<void> {
  const place = dataDirArguments(dataDir)
    .map((word) => ` ${word}`)
    .join('');
  try {
    await withStack({ dataDir, terminal, needsWorker: worker, workerSettings }, async (session) => {
      if (worker) {
        terminal.note('  Starting the worker.');
        await orAborted(session.signal, () => session.worker());
        terminal.note('✓ The worker is ready.');
      }
      terminal.note(describeStack(session, worker, place));
      await Promise.race([keepAlive(session, dataDir), session.lost]);
    });
  } catch (error) {
    if (error instanceof Interrupted) {
      terminal.note(`Stopped. Runs that were going on continue with the next: npx r-zero up${place}`);
    }
    throw error;
  }
}

function describeStack({ stack, workerLog }: StackSession, worker: boolean, place: string): string {
  return [
    '',
    `Temporal UI  ${stack.uiUrl ?? '(your own server’s)'}`,
    `Temporal     ${stack.temporalAddress}, namespace ${stack.temporalNamespace}`,
    `Postgres     ${redact(stack.databaseUrl)}   (with its password: npx r-zero sql --print${place})`,
    `Worker       ${worker ? `task queues r-zero and r-zero-gpu; log ${workerLog}` : `none; start one with: npx r-zero worker${place}`}`,
    '',
    `Start a run  npx r-zero run start${place}`,
    '             or in the UI: Start Workflow, type rZeroRun, task queue r-zero, input {}',
    'Ctrl-C stops everything; runs continue with the next start.',
  ].join('\n');
}

/** A server that was killed is started again; the worker is looked after by its own supervisor. */
async function keepAlive(session: StackSession, dataDir: string): Promise<never> {
  for (;;) {
    await pause(session.signal, HEALTH_INTERVAL_MS);
    if (await isHealthy(session, dataDir)) continue;
    await orAborted(session.signal, () => session.heal());
  }
}

async function isHealthy(session: StackSession, dataDir: string): Promise<boolean> {
  try {
    const { client, namespace } = await session.temporal();
    await describeNamespace(client, namespace);
    return await databaseAnswers(dataDir);
  } catch {
    // Whatever is wrong, `heal` looks closer and says it in words.
    return false;
  }
}
