/** Activities on the run as a whole: opening, extending, its status, the plan of an iteration. */
import { Context } from '@temporalio/activity';
import type {
  IterationPlan,
  IterationRef,
  IterationStart,
  IterationSummary,
  RunExtension,
  RunInput,
  RunPlan,
  RunStatusChange,
  StartRef,
} from './contract.ts';
import { behind, refuseUnlessWhole } from './behind.ts';
import { readBudget } from './budget.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { importModel } from './engine/import-model.ts';
import { readConfigOf } from './engine/model-files.ts';
import { threadsFor } from './engine/threads.ts';
import { RZeroError } from './errors.ts';
import { refuseLongQuestions, settleSets } from './evaluation-sets/settle.ts';
import { loadHeldOut } from './held-out.ts';
import { planIteration } from './iteration-plan.ts';
import { holdLease, isOver, leaseLost, leaseOwner } from './lease.ts';
import { noticeLosses } from './notices.ts';
import { getPreset } from './method/presets.ts';
import { modelFolder } from './model-folder.ts';
import { loadJudgePrompt } from './oracles/judge-prompt.ts';
import { loadAnchors, refuseLongAnchors } from './oracles/anchor-set.ts';
import { byPhase } from './phases.ts';
import { loadProfile } from './profile.ts';
import { conflictingFields, resolveRunInput } from './run-input.ts';
import type { ResolvedRunInput, RunConfig } from './run-input.ts';
import { checkpointRoot, checkpointRow } from './store.ts';
import { refuseLongCompletions } from './token-room.ts';
import { transaction } from '../db/client.ts';
import { insertEvaluationSet } from '../db/queries/evaluation-sets.ts';
import type { EvaluationSet } from '../db/queries/evaluation-sets.ts';
import { takeLease } from '../db/queries/leases.ts';
import type { LeaseHolder } from '../db/queries/leases.ts';
import { insertRunSets, readRunSets } from '../db/queries/run-sets.ts';
import { insertStart } from '../db/queries/starts.ts';
import {
  findRun,
  getRun,
  insertCheckpoint,
  insertRun,
  nextIteration,
  setRunIterations,
  setRunStatus,
} from '../db/queries/runs.ts';
import type { RunRow } from '../db/queries/runs.ts';
import { readSummary } from '../db/queries/summary.ts';
import { readPaces, readStoredSums } from '../db/queries/phase-facts.ts';
import { insertPhases, readPhases } from '../db/queries/units.ts';

/** Validates and resolves the input, creates or continues the run's row, takes its lease, and notes the start with its budget. */
export async function openRun(deps: ActivityDependencies, input: RunInput, start?: StartRef): Promise<RunPlan> {
  const resolved = resolveRunInput(input);
  const runId = resolved.runId ?? workflowRunId();
  const known = await findRun(deps.database, runId);
  if (known) refuseChanges(runId, resolved, known);
  else if (start?.mayCreate === false) throw lostRun(runId);
  else await createRun(deps, runId, resolved);

  const { workflowExecution } = Context.current().info;
  const holder: LeaseHolder = {
    ...leaseOwner(workflowExecution?.workflowId ?? 'none'),
    temporalRunId: workflowExecution?.runId ?? 'none',
  };
  const firstExecutionId = start?.firstExecutionId ?? holder.temporalRunId;
  const standing = await transaction(deps.database, async (client) => {
    const present = await takeLease(client, runId, holder, isOver);
    if (!present) await insertStart(client, { ...holder, runId, firstExecutionId, budget: resolved.budget });
    return present;
  });
  if (standing) {
    throw new RZeroError('RunConflict', `Run "${runId}" is being advanced by workflow "${standing.workflowId}".`, {
      field: 'runId',
      fix: `Steer that workflow, or end it with \`npx r-zero run cancel ${runId}\`; or choose another runId.`,
    });
  }
  if (resolved.given.has('iterations')) await setRunIterations(deps.database, runId, resolved.iterations);
  const { behind: missed } = start ?? {};
  const isNew = known === undefined;
  const notice = isNew && missed === undefined ? undefined : await noticeLosses(deps, runId, { behind: missed, isNew });
  await setRunStatus(deps.database, runId, holder, 'running', notice);
  const plan = await planOf(deps, runId, known !== undefined);
  return notice === undefined ? plan : { ...plan, notice };
}

/** What to go on with is with the workflow that made the run, and not with the one that asks. */
function lostRun(runId: string): RZeroError {
  return new RZeroError(
    'RunNotFound',
    `Run "${runId}" is not in the database any more: it was restored from a copy that is older than the run.`,
    {
      field: 'runId',
      fix: 'Restore a newer copy and resume the run, or start it with the settings that it was first started with: it then begins anew, and finds its checkpoints.',
    },
  );
}

export async function extendRun(deps: ActivityDependencies, { runId, iterations }: RunExtension): Promise<RunPlan> {
  await getRun(deps.database, runId);
  await setRunIterations(deps.database, runId, iterations);
  return planOf(deps, runId, true);
}

/** @throws RZeroError `RunConflict` when the run is another workflow's by now; `DatabaseBehind` when it cannot be completed yet */
export async function changeStatus(deps: ActivityDependencies, change: RunStatusChange): Promise<void> {
  const { runId, holder, status, reason } = change;
  if (status === 'completed') await refuseUnlessDone(deps, runId);
  if (await setRunStatus(deps.database, runId, leaseOwner(holder), status, reason)) return;
  throw await leaseLost(deps, change);
}

async function refuseUnlessDone({ database }: ActivityDependencies, runId: string): Promise<void> {
  const run = await findRun(database, runId);
  if (run && (await nextIteration(database, runId, run.iterations)) > run.iterations) return;
  throw behind(`Work of run "${runId}"`);
}

/** Plans an iteration once; asked again, it tells how much of the stored plan is left. */
export async function beginIteration(deps: ActivityDependencies, ref: IterationStart): Promise<IterationPlan> {
  const { runId, iteration, show = [] } = ref;
  await holdLease(deps, ref);
  const run = await getRun(deps.database, runId);
  // A database that was restored from an older copy, or a reset, may have taken the iterations before away.
  if ((await nextIteration(deps.database, runId, iteration)) < iteration) throw behind('Work of earlier iterations');
  const planned = planIteration(run, iteration, await readRunSets(deps.database, runId));
  await transaction(deps.database, (client) => insertPhases(client, runId, iteration, planned));
  const phases = await readPhases(deps.database, runId, iteration);
  phases.sort(byPhase);
  const stored = await readStoredSums(deps.database, runId, iteration, show);
  const paces = await readPaces(deps.database, runId, iteration - 1);
  return {
    runId,
    iteration,
    phases: phases.map((plan) => ({ ...plan, ...stored.get(plan.phase), ...paces.get(plan.phase) })),
  };
}

export async function finishIteration(deps: ActivityDependencies, ref: IterationRef): Promise<IterationSummary> {
  const { runId, iteration } = ref;
  await refuseUnlessWhole(deps, ref);
  return { runId, iteration, metrics: await readSummary(deps.database, runId, iteration) };
}

export async function planOf(deps: ActivityDependencies, runId: string, resumed: boolean): Promise<RunPlan> {
  const run = await getRun(deps.database, runId);
  const budget = await readBudget(deps.database, runId);
  return {
    runId,
    iterations: run.iterations,
    nextIteration: await nextIteration(deps.database, runId, run.iterations),
    resumed,
    ...(budget === undefined ? {} : { budget }),
  };
}

async function createRun(deps: ActivityDependencies, runId: string, resolved: ResolvedRunInput): Promise<void> {
  const folder = modelFolder(resolved.config.model);
  const { profile, hash } = await loadProfile(folder, resolved.config.prompts);
  const heldOut = await loadHeldOut(folder);
  const anchors = await anchorsFor(folder, resolved.config);
  const sets = await settleSets(runId, folder, resolved.config);
  if (resolved.config.oracles?.judge) loadJudgePrompt(resolved.config.oracles.judge.prompt);
  await refuseLongCompletions(folder, resolved.config);
  const config = await withThreads(folder, resolved.config);
  const base = await importModel(folder, checkpointRoot(deps));
  if (anchors) await refuseLongAnchors(deps, base.id, { folder, profile, config }, anchors.items);
  await refuseLongQuestions(deps, base.id, { folder, profile }, sets);
  await transaction(deps.database, async (client) => {
    await insertCheckpoint(client, checkpointRow(base));
    if (heldOut) await insertEvaluationSet(client, heldOut);
    if (anchors) await insertEvaluationSet(client, anchors);
    for (const { set } of sets) await insertEvaluationSet(client, set);
    await insertRun(client, {
      runId,
      seed: resolved.config.seed,
      preset: resolved.config.preset,
      presetVersion: getPreset(resolved.config.preset).version,
      control: resolved.config.control,
      iterations: resolved.iterations,
      status: 'running',
      config,
      baseCheckpointId: base.id,
      heldOutHash: heldOut?.hash ?? null,
      anchorHash: anchors?.hash ?? null,
      profile,
      profileHash: hash,
      codeVersion: deps.codeVersion,
    });
    if (sets.length > 0) {
      await insertRunSets(
        client,
        sets.map((set) => set.run),
      );
    }
  });
}

async function anchorsFor(folder: string, { oracles }: RunConfig): Promise<EvaluationSet | undefined> {
  return oracles?.anchors && (await loadAnchors(folder, oracles.anchors));
}

/** Settled once, so that every attempt of every step computes alike, whatever else its worker is doing. */
async function withThreads(folder: string, config: RunConfig): Promise<RunConfig> {
  const threads = config.threads ?? threadsFor(await readConfigOf(folder));
  return threads === undefined ? config : { ...config, threads };
}

/** What it was started with may be said again, also where it has been changed since: the change stays. */
function refuseChanges(runId: string, resolved: ResolvedRunInput, known: RunRow): void {
  const [now, first] = [known.config, known.startConfig].map((config) =>
    conflictingFields(resolved.given, config as RunConfig),
  ) as [string[], string[]];
  const fields = now.filter((field) => first.includes(field));
  if (fields.length === 0) return;
  throw new RZeroError(
    'RunConflict',
    `Run "${runId}" exists with another value of ${fields.map((f) => `"${f}"`).join(', ')}.`,
    {
      field: fields[0]!,
      fix: 'A run keeps its settings: leave them out to continue it, choose another runId, or change what may change with `npx r-zero run resume` or `reset-to`.',
    },
  );
}

function workflowRunId(): string {
  const workflowId = Context.current().info.workflowExecution?.workflowId ?? 'run';
  return resolveRunInput({
    runId: workflowId
      .replace(/^r-zero\//, '')
      .replace(/[^A-Za-z0-9._-]/g, '-')
      .slice(0, 100),
  }).runId!;
}
