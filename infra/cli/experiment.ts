/** `r-zero experiment`: grids of settings × seeds. */
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import type { ExperimentInput } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { resolveExperiment } from '../../activities/experiment-input.ts';
import { listExperiments, readExperimentResults } from '../../db/queries/experiments.ts';
import type { ExperimentResultRow } from '../../db/queries/experiments.ts';
import { assertSchemaCurrent } from '../../db/migrate.ts';
import { startExperiment } from '../experiments.ts';
import type { StartedExperiment } from '../experiments.ts';
import type { ExperimentResult } from '../../workflows/messages.ts';
import { withDatabase } from './database-access.ts';
import { renderExperiment, renderExperimentMarkdown, summarizeExperiment, withTroubles } from './experiment-text.ts';
import type { ExperimentReport } from './experiment-text.ts';
import { orAborted, pause } from './interrupts.ts';
import { isNumber, percent } from './numbers.ts';
import { AlreadyReported, Interrupted } from './report-error.ts';
import { runPage, warnWithoutWorker, withRunningStack } from './run-client.ts';
import { stackReporter, withStack } from './stack-session.ts';
import type { StackSession } from './stack-session.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface ExperimentOptions {
  dataDir: string;
  json: boolean;
}

export interface ExperimentChoices {
  name?: string;
  iterations?: number;
  seeds?: number[];
  concurrency?: number;
}

const DEFAULT_ID = 'ablations';
const INTERVAL_MS = 1_000;

/**
 * The definition in a file, with what the command line says laid over it; the ablations when there is none.
 *
 * @throws RZeroError `RunInputInvalid`, also for a setting whose runs would be refused
 */
export async function readExperiment(
  file: string | undefined,
  { name, ...choices }: ExperimentChoices,
): Promise<ExperimentInput & { experimentId: string }> {
  const given = file === undefined ? {} : parseDefinition(file, await readDefinition(file));
  const own = Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined));
  const input = { ...given, ...own, experimentId: name ?? given.experimentId ?? DEFAULT_ID };
  resolveExperiment(input, false);
  return input;
}

async function readDefinition(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new RZeroError('RunInputInvalid', `The experiment ${file} cannot be read (${(error as Error).message}).`, {
      field: 'file',
      fix: 'Name a JSON file, or none for the ablations.',
      cause: error,
    });
  }
}

function parseDefinition(file: string, text: string): ExperimentInput {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RZeroError('RunInputInvalid', `${file} is not JSON: ${(error as Error).message}.`, {
      field: 'file',
      fix: 'Write one JSON object, such as {"settings": {"plain": {}, "wide": {"gate": {"upper": 0.9}}}}.',
      cause: error,
    });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new RZeroError('RunInputInvalid', `${file} is not one JSON object.`, { field: 'file' });
}

/** With servers and a worker of its own, to the end; the same command goes on with one that was stopped. */
export async function runExperimentCommand(
  options: ExperimentOptions,
  input: ExperimentInput & { experimentId: string },
  terminal: Terminal,
): Promise<void> {
  try {
    const report = await withStack({ dataDir: options.dataDir, terminal }, async (session) => {
      terminal.note('  Starting the worker.');
      await orAborted(session.signal, () => session.worker());
      const { client } = await session.temporal();
      const started = await orAborted(session.signal, () => startExperiment(client, input, { join: true }));
      terminal.note(`✓ Experiment ${input.experimentId} goes on. Ctrl-C stops; the same command continues.`);
      if (session.stack.uiUrl) terminal.note(`  Temporal UI: ${session.stack.uiUrl}`);
      const { troubles } = await Promise.race([follow(session, started, terminal), session.lost]);
      return withTroubles(await readReport(session.pool, input.experimentId), troubles);
    });
    show(report, options, terminal);
    if (report.troubles.length > 0) throw new AlreadyReported('Some runs are not finished.');
  } catch (error) {
    if (error instanceof Interrupted)
      terminal.note('Stopped. Everything finished is stored; the same command continues.');
    throw error;
  }
}

/** Says what comes of each run, until the workflow ends. */
async function follow(
  session: StackSession,
  started: StartedExperiment,
  terminal: Terminal,
): Promise<ExperimentResult> {
  let isOver = false;
  const ended = started.result().finally(() => (isOver = true));
  ended.catch(() => undefined);
  const told = new Map<string, string>();
  for (;;) {
    const last = isOver;
    session.signal.throwIfAborted();
    for (const line of news(await readExperimentResults(session.pool, started.experimentId), told)) terminal.note(line);
    if (last) break;
    await pause(session.signal, INTERVAL_MS);
  }
  return await ended;
}

/** Lines about what was not told yet: one an iteration that is evaluated, one for a run that stands still. */
function news(rows: readonly ExperimentResultRow[], told: Map<string, string>): string[] {
  const runs = new Set(rows.map(({ runId }) => runId)).size;
  return rows.flatMap((row) => {
    const { position, setting, seed, runId, status, statusReason, iteration, greedyAccuracy, sampledAccuracy } = row;
    const lines: string[] = [];
    const say = (key: string, text: string): void => {
      if (told.get(key) === text) return;
      told.set(key, text);
      lines.push(text);
    };
    const name = `${position + 1} of ${runs}: ${printable(setting)}, seed ${seed}`;
    if (isNumber(greedyAccuracy) && iteration !== null) {
      say(
        `${runId}/${iteration}`,
        `  ${name}, iteration ${iteration}: greedy ${percent(greedyAccuracy)}, sampled ${percent(sampledAccuracy)}`,
      );
    }
    if (status === 'parked') {
      say(
        runId,
        `! ${name} is parked: ${printable(statusReason ?? 'see its page')} Mend the cause, then: npx r-zero run resume ${runId}`,
      );
    }
    return lines;
  });
}

/** On running servers; returns at once. */
export async function startExperimentCommand(
  options: ExperimentOptions,
  input: ExperimentInput & { experimentId: string },
  terminal: Terminal,
): Promise<void> {
  await withRunningStack(options.dataDir, async (access) => {
    const { experimentId, workflowId } = await startExperiment(access.client, input);
    const page = runPage(access.uiUrl, access.namespace, workflowId);
    if (options.json) terminal.out(JSON.stringify({ experimentId, workflowId, page: page ?? null }));
    else {
      terminal.out(`Experiment ${experimentId} is started (workflow ${workflowId}).`);
      if (page) terminal.out(`  Temporal UI: ${page}`);
      terminal.out(`  Results:     npx r-zero experiment show ${experimentId}`);
    }
    await warnWithoutWorker(access, terminal);
  });
}

export async function showExperimentCommand(
  options: ExperimentOptions & { markdown: boolean },
  experimentId: string,
  terminal: Terminal,
): Promise<void> {
  await withDatabase({ dataDir: options.dataDir, onEvent: stackReporter(terminal) }, async ({ pool }) => {
    await assertSchemaCurrent(pool);
    const report = await readReport(pool, experimentId);
    if (options.markdown) terminal.out(renderExperimentMarkdown(report));
    else show(report, options, terminal);
  });
}

export async function listExperimentsCommand(options: ExperimentOptions, terminal: Terminal): Promise<void> {
  await withDatabase({ dataDir: options.dataDir, onEvent: stackReporter(terminal) }, async ({ pool }) => {
    await assertSchemaCurrent(pool);
    const experiments = await listExperiments(pool);
    if (options.json) terminal.out(JSON.stringify(experiments));
    else if (experiments.length === 0)
      terminal.out('There are no experiments. Run one with: npx r-zero experiment run');
    else {
      terminal.out(
        plainTable(
          ['experiment', 'settings', 'runs', 'finished'],
          experiments.map(({ experimentId, settings, runs, finished }) => [
            printable(experimentId),
            ...[settings, runs, finished].map(String),
          ]),
        ),
      );
    }
  });
}

async function readReport(pool: pg.Pool, experimentId: string): Promise<ExperimentReport> {
  const rows = await readExperimentResults(pool, experimentId);
  if (rows.length > 0) return summarizeExperiment(experimentId, rows);
  throw new RZeroError('ExperimentNotFound', `There is no experiment "${experimentId}" in this database.`, {
    field: 'experimentId',
    fix: 'See what there is: npx r-zero experiment list',
  });
}

function show(report: ExperimentReport, { json }: ExperimentOptions, terminal: Terminal): void {
  terminal.out(json ? JSON.stringify(report) : renderExperiment(report));
}
