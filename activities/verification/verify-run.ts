/**
 * A stored run held against everything that can be known of it otherwise: files against their hashes, texts against their tokens,
 * seeds against their places, votes, decisions and rewards against the method, counts against the plan, and samples against the
 * engine. What rests on a row that is reported is taken as stored, so that one altered row is one finding.
 */
import type pg from 'pg';
import { readConfigOf } from '../engine/model-files.ts';
import { RZeroError } from '../errors.ts';
import { methodContext } from '../recompute/method.ts';
import type { RunConfig } from '../run-input.ts';
import { checkpointPath, tokenizerOf } from '../store.ts';
import { transaction } from '../../db/client.ts';
import { readQuestionSet } from '../../db/queries/evaluation-sets.ts';
import { readRunConfigs } from '../../db/queries/run-inputs.ts';
import { getRun } from '../../db/queries/runs.ts';
import type { Place } from '../../db/queries/units.ts';
import { beginReading, unitsOf, updatesOf } from '../../db/queries/verification.ts';
import type { UnitRecord } from '../../db/queries/verification.ts';
import { verifyChallengerSteps } from './challenger.ts';
import { verifyRunCheckpoints } from './checkpoints.ts';
import type { CheckedCheckpoints } from './checkpoints.ts';
import { contextAt } from './context.ts';
import type { VerifyContext } from './context.ts';
import { verifyAnchors } from './anchors.ts';
import { verifyAudits } from './audits.ts';
import { verifyDataset } from './dataset.ts';
import { readEvaluationSets } from './evaluation-sets.ts';
import { verifyEvaluations } from './evaluations.ts';
import { Findings } from './findings.ts';
import type { Check, Mismatch } from './findings.ts';
import type { QuestionSets } from './generations.ts';
import { requestsOf } from './requests.ts';
import { verifyPlan, verifyReferences } from './plan.ts';
import type { Progress } from './plan.ts';
import { replaySamples } from './replay.ts';
import type { ReplayReport, ReplayRequest } from './replay.ts';
import { verifyRunRow } from './run-row.ts';
import { verifySolverSteps } from './solver.ts';
import { verifyUpdates } from './updates.ts';
import { verifyOracles, verifyVerdicts } from './verdicts.ts';

export interface AuditRequest {
  runId: string;
  dataDir: string;
  codeVersion: string;
  /** Omitted: nothing is generated again. */
  replay?: ReplayRequest;
  onMismatch?: (mismatch: Mismatch) => void;
  onProgress?: (done: string) => void;
  signal?: AbortSignal;
}

export interface AuditReport {
  runId: string;
  status: string;
  preset: string;
  codeVersion: { run: string; here: string };
  /** Nothing is wrong. */
  ok: boolean;
  checks: { check: Check; examined: number; mismatches: number }[];
  /** The first ten thousand. */
  mismatches: Mismatch[];
  mismatchCount: number;
  /** Values that rest on a reported row and were not judged. */
  unverifiable: number;
  checkpoints: { total: number; pruned: number; optimizerPruned: number };
  units: Progress;
  replay: ReplayReport | null;
  /** What the reader should know beside the numbers. */
  notes: string[];
}

/**
 * Changes nothing and needs no right to.
 *
 * @throws RZeroError `RunNotFound`, `PresetInvalid`, `DatabaseUnreachable`; a mismatch is no failure but a line of the report
 */
export async function verifyRun(database: pg.Pool, request: AuditRequest): Promise<AuditReport> {
  const { runId, signal, onProgress = () => undefined } = request;
  const findings = new Findings(request.onMismatch);
  await getRun(database, runId);
  const checkpoints = await verifyRunCheckpoints(database, findings, {
    dataDir: request.dataDir,
    runId,
    onProgress,
    ...(signal ? { signal } : {}),
  });
  return transaction(database, async (client) => {
    await beginReading(client);
    return verifyRows(database, client, { ...request, onProgress }, findings, checkpoints);
  });
}

async function verifyRows(
  database: pg.Pool,
  client: pg.PoolClient,
  request: AuditRequest & { onProgress: (done: string) => void },
  findings: Findings,
  checkpoints: CheckedCheckpoints,
): Promise<AuditReport> {
  const run = await getRun(client, request.runId);
  const method = await methodContext(database, run);
  const sets = {
    ...(await readEvaluationSets(database, run)),
    anchors: await readQuestionSet(database, run.anchorHash),
  };
  const units = await unitsOf(client, run.runId);
  const notes: string[] = [];
  const context: VerifyContext = {
    ...method,
    client,
    findings,
    ...(await openTokenizer(request, run.baseCheckpointId, notes)),
    updates: await updatesOf(client, run.runId),
    ...lookUps(units, method.config, await readRunConfigs(client, run.runId)),
    onProgress: request.onProgress,
    signal: request.signal,
  };
  if (run.presetVersion !== method.preset.version) {
    notes.push(
      `The run was computed under version ${run.presetVersion} of preset "${run.preset}"; this code has version ` +
        `${method.preset.version}, so votes, rewards and decisions may differ without anything being altered.`,
    );
  }
  verifyRunRow(context);
  const progress = await verifyPlan(context, units);
  if (progress.finished < progress.planned) {
    notes.push(`${progress.planned - progress.finished} planned units are not finished and were not looked at.`);
  }
  await verifyReferences(context);
  verifyUpdates(context);
  await verifyIterations(context, units, sets);
  let replay: ReplayReport | null = null;
  if (request.replay) {
    const generations = requestsOf(context, units, sets);
    replay = await replaySamples(context, request.replay, generations, { units, usable: checkpoints.usable, ...sets });
    if (replay.batches === 0 && replay.skipped.length > 0) notes.push('Nothing could be generated again here.');
  }
  return {
    runId: run.runId,
    status: run.status,
    preset: run.preset,
    codeVersion: { run: run.codeVersion, here: request.codeVersion },
    ok: findings.total === 0,
    checks: [...findings.examined].map(([check, examined]) => ({
      check,
      examined,
      mismatches: findings.found.get(check) ?? 0,
    })),
    mismatches: findings.mismatches,
    mismatchCount: findings.total,
    unverifiable: findings.unverifiable,
    checkpoints: {
      total: checkpoints.total,
      pruned: checkpoints.pruned,
      optimizerPruned: checkpoints.optimizerPruned,
    },
    units: progress,
    replay,
    notes,
  };
}

async function verifyIterations(
  context: VerifyContext,
  units: readonly UnitRecord[],
  sets: QuestionSets,
): Promise<void> {
  const earlier: { id: number; question: string }[] = [];
  const oracles = await verifyOracles(context);
  for (const iteration of new Set(units.map((unit) => unit.iteration))) {
    const of = (phase: Place['phase']): number[] =>
      units.filter((unit) => unit.iteration === iteration && unit.phase === phase).map(({ unit }) => unit);
    const at = (phase: Place['phase']) => contextAt(context, iteration, phase);
    await verifyChallengerSteps(at('challenger_training'), iteration, of('challenger_training'));
    const dataset = await verifyDataset(at('labelling'), iteration, of('dataset_generation'), earlier);
    await verifySolverSteps(at('solver_training'), iteration, of('solver_training'), dataset.kept ?? []);
    await verifyEvaluations(at('evaluation'), iteration, of('evaluation'), sets);
    const anchors = await verifyAnchors(at('labelling'), iteration, of('labelling'), sets.anchors);
    await verifyAudits(at('labelling'), iteration, dataset, anchors, sets.anchors);
    await verifyVerdicts(context, iteration, oracles, dataset);
    earlier.push(...(dataset.kept ?? []).map(({ questionId, question }) => ({ id: questionId, question })));
  }
}

function lookUps(
  units: readonly UnitRecord[],
  newest: RunConfig,
  configs: ReadonlyMap<number, unknown>,
): Pick<VerifyContext, 'isFinished' | 'metricsOf' | 'settingsOf'> {
  const key = (iteration: number, phase: string, unit: number): string => `${iteration}/${phase}/${unit}`;
  // For the phase those of its last unit: what may change in the middle of one, only replays of a unit depend on.
  const versions = new Map(
    units.flatMap(({ iteration, phase, unit, inputVersion }) => [
      [`${iteration}/${phase}`, inputVersion],
      [key(iteration, phase, unit), inputVersion],
    ]),
  );
  const metrics = new Map(
    units.map((unit) => [key(unit.iteration, unit.phase, unit.unit), unit.metrics as Record<string, number>]),
  );
  return {
    settingsOf: (iteration, phase, unit) => {
      const version = versions.get(unit === undefined ? `${iteration}/${phase}` : key(iteration, phase, unit));
      return ((version !== undefined && configs.get(version)) || newest) as RunConfig;
    },
    isFinished: (iteration, phase, unit) => metrics.has(key(iteration, phase, unit)),
    metricsOf: ({ iteration, phase, unit }) => metrics.get(key(iteration, phase, unit)) ?? {},
  };
}

async function openTokenizer(
  { dataDir }: { dataDir: string },
  baseCheckpointId: string,
  notes: string[],
): Promise<Pick<VerifyContext, 'tokenizer' | 'maxPositions'>> {
  try {
    const { maxPositions } = await readConfigOf(checkpointPath({ dataDir }, baseCheckpointId));
    const tokenizer = await tokenizerOf({ dataDir }, baseCheckpointId);
    return { tokenizer, maxPositions };
  } catch (error) {
    if (!(error instanceof RZeroError)) throw error;
    notes.push(`Texts were not held against their tokens: the base model is not readable here (${error.code}).`);
    return { tokenizer: undefined, maxPositions: 0 };
  }
}
