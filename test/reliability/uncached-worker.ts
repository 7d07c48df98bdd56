/** The product's workers, but without a cache of workflows: every workflow task replays its history from the first event. */
import { join } from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import { RZeroPlugin } from '../../infra/plugin.ts';
import { loadWorkflowBundle } from '../../infra/workflow-bundle.ts';
import { installQuietRuntime } from '../support/temporal.ts';

const { DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, R_ZERO_DATA_DIR } = process.env as Record<string, string>;

installQuietRuntime();
const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS! });
const common = {
  connection,
  namespace: TEMPORAL_NAMESPACE!,
  plugins: [new RZeroPlugin({ database: DATABASE_URL!, dataDir: R_ZERO_DATA_DIR! })],
};
const workflowBundle = await loadWorkflowBundle({ cacheDir: join(R_ZERO_DATA_DIR!, 'cache') });
const workers = [
  await Worker.create({ ...common, taskQueue: 'r-zero', workflowBundle, maxCachedWorkflows: 0 }),
  await Worker.create({ ...common, taskQueue: 'r-zero-gpu' }),
];
process.once('disconnect', () => process.exit(0));
const running = workers.map((worker) => worker.run());
process.send?.({
  type: 'ready',
  taskQueues: workers.map(({ options }) => options.taskQueue),
  namespace: common.namespace,
});
await Promise.all(running);
process.exit(0);
