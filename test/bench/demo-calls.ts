/** The calls that a demo run makes of the engine, taken down while its activities run for real, and made again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { GpuActivities, OrchestrationActivities, Phase, RunInput } from '../../activities/contract.ts';
import { createLocalEngine } from '../../activities/engine/index.ts';
import type {
  CheckpointRecord,
  Engine,
  ModelLease,
  ModelSource,
  SampleRequest,
  ScoreItem,
  TrainItem,
  TrainOptions,
} from '../../activities/engine/types.ts';
import { createActivities } from '../../activities/index.ts';
import { openPool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { destroyStack } from '../../infra/dev-stack/index.ts';
import { startPostgres } from '../support/postgres-server.ts';

/** Leases and checkpoints are numbered in the order in which they came to be; checkpoint -1 is the base model. */
export type EngineCall =
  | { kind: 'open'; lease: number; checkpoint: number; options: Omit<ModelSource, 'path' | 'expectId'> }
  | { kind: 'sample'; lease: number; request: SampleRequest }
  | { kind: 'score'; lease: number; items: readonly ScoreItem[] }
  | { kind: 'train'; lease: number; items: readonly TrainItem[]; options: TrainOptions }
  | { kind: 'checkpoint'; lease: number; checkpoint: number }
  | { kind: 'close'; lease: number };

const ACTIVITIES: Record<Phase, keyof GpuActivities | keyof OrchestrationActivities> = {
  challenger_training: 'trainChallengerStep',
  dataset_generation: 'generateQuestions',
  labelling: 'labelQuestions',
  gating: 'gateQuestions',
  solver_training: 'trainSolverStep',
  evaluation: 'evaluateSolver',
  audit: 'auditLabels',
};

/** Runs the activities of a whole run in this process, on a Postgres of its own. */
export async function recordRun(input: RunInput, onUnit: (name: string) => void): Promise<EngineCall[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'r-zero-bench-run-'));
  const calls: EngineCall[] = [];
  const engine = recording(createLocalEngine(), calls);
  try {
    const pool = openPool(await startPostgres(dataDir));
    try {
      await migrate(pool);
      const activities = createActivities({ database: pool, engine, dataDir, codeVersion: 'bench' });
      const holder = 'r-zero/bench';
      const run = <I, O>(activity: (given: I) => Promise<O>, given: I): Promise<O> =>
        new MockActivityEnvironment({ workflowExecution: { workflowId: holder, runId: 'only' } }).run(activity, given);
      const { runId, iterations } = await run(activities.openRun, { ...input, runId: 'bench' });
      for (let iteration = 0; iteration <= iterations; iteration++) {
        const ref = { runId, iteration, holder };
        for (const { phase, units } of (await run(activities.beginIteration, ref)).phases) {
          for (let unit = 0; unit < units; unit++) {
            onUnit(`iteration ${iteration} ${phase} ${unit + 1}/${units}`);
            await run(activities[ACTIVITIES[phase]] as (given: object) => Promise<unknown>, { ...ref, unit });
          }
        }
      }
    } finally {
      await pool.end();
    }
    return calls;
  } finally {
    await engine.close();
    await destroyStack(dataDir);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function recording(engine: Engine, calls: EngineCall[]): Engine {
  const checkpoints = new Map<string, number>();
  let leases = 0;
  let written = 0;
  const follow = (inner: ModelLease, lease: number): ModelLease => ({
    get modelId() {
      return inner.modelId;
    },
    maxSequenceLength: inner.maxSequenceLength,
    sample: (request, call) => {
      calls.push({ kind: 'sample', lease, request });
      return inner.sample(request, call);
    },
    score: (items, call) => {
      calls.push({ kind: 'score', lease, items });
      return inner.score(items, call);
    },
    trainStep: (items, options, call) => {
      calls.push({ kind: 'train', lease, items, options });
      return inner.trainStep(items, options, call);
    },
    publish: (call) => inner.publish(call),
    checkpoint: async (root, call) => {
      const checkpoint = written++;
      calls.push({ kind: 'checkpoint', lease, checkpoint });
      const record = await inner.checkpoint(root, call);
      checkpoints.set(record.id, checkpoint);
      return record;
    },
    close: () => {
      calls.push({ kind: 'close', lease });
      return inner.close();
    },
  });
  return {
    describe: (call) => engine.describe(call),
    open: async (source, call) => {
      const { path: _, expectId, ...options } = source;
      const lease = leases++;
      calls.push({ kind: 'open', lease, checkpoint: checkpoints.get(expectId ?? '') ?? -1, options });
      return follow(await engine.open(source, call), lease);
    },
    close: () => engine.close(),
  };
}

/** Makes recorded calls of another engine, one at a time. @param threads instead of the recorded number */
export function replayer(
  engine: Engine,
  base: string,
  root: string,
  threads: Pick<ModelSource, 'threads'>,
): (call: EngineCall) => Promise<number> {
  const leases = new Map<number, ModelLease>();
  const checkpoints = new Map<number, CheckpointRecord>();
  const leaseOf = ({ lease }: { lease: number }): ModelLease => leases.get(lease) as ModelLease;
  /** @returns tokens that were generated, scored or trained on */
  return async (call) => {
    switch (call.kind) {
      case 'open': {
        const known = checkpoints.get(call.checkpoint);
        const source = known ? { path: known.path, expectId: known.id } : { path: base };
        leases.set(call.lease, await engine.open({ ...source, ...call.options, ...threads }));
        return 0;
      }
      case 'sample': {
        const completions = await leaseOf(call).sample(call.request);
        return completions.reduce((sum, { tokens }) => sum + tokens.length, 0);
      }
      case 'score':
        await leaseOf(call).score(call.items);
        return call.items.reduce((sum, { completionTokens }) => sum + completionTokens.length, 0);
      case 'train':
        return (await leaseOf(call).trainStep(call.items, call.options)).tokens;
      case 'checkpoint':
        checkpoints.set(call.checkpoint, await leaseOf(call).checkpoint(root));
        return 0;
      case 'close':
        await leaseOf(call).close();
        leases.delete(call.lease);
        return 0;
      default:
        return call satisfies never;
    }
  };
}
