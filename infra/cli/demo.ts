/** `r-zero demo`, which is also `npm start`: stack up, one run started or continued and watched to its end, stack down. */
import { RZeroError } from '../../activities/errors.ts';
import { bringModel } from './demo-model.ts';
import { demoArguments, demoCommand, demoInput, isFinished } from './demo-run.ts';
import type { DemoChoices } from './demo-run.ts';
import { followRun } from './follow-run.ts';
import type { FollowOutcome } from './follow-run.ts';
import { orAborted } from './interrupts.ts';
import { nextSteps } from './next-steps.ts';
import { progressFrame } from './progress-frame.ts';
import { progressLines } from './progress-lines.ts';
import type { ProgressDisplay } from './progress-view.ts';
import { AlreadyReported, Interrupted } from './report-error.ts';
import { isComplete, readDatabaseClock, readSnapshot, wasWorkedOnSince } from './run-snapshot.ts';
import type { RunSnapshot } from './run-snapshot.ts';
import { beginRun, resumeByCommand } from './run-workflow.ts';
import type { Begun } from './run-workflow.ts';
import { withStack } from './stack-session.ts';
import type { StackSession } from './stack-session.ts';
import { demoResult, renderSummary } from './summary.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface DemoOptions extends DemoChoices {
  dataDir: string;
  /** One object as the last line of standard output; progress goes to standard error. */
  json: boolean;
  /** Servers and worker stay after the summary, until Ctrl-C. */
  keepRunning: boolean;
}

/** Fast enough to look alive; a log needs less. */
const LIVE_INTERVAL_MS = 400;
const LINES_INTERVAL_MS = 1_000;

export async function demo(options: DemoOptions, terminal: Terminal): Promise<void> {
  const input = demoInput(options);
  const again = demoCommand(demoArguments(options, options.dataDir, { iterations: options.iterations }));
  try {
    // Before Ctrl-C is caught, like all that is fetched.
    await bringModel(input['model'], terminal);
    const finished = await withStack({ dataDir: options.dataDir, terminal }, async (session) => {
      const stored = await readSnapshot(session.pool, input.runId);
      const asked = stored ? demoInput(options, true) : input;
      const snapshot =
        stored && isFinished(stored, asked)
          ? sayFinished(stored, terminal)
          : await runToEnd(session, asked, stored, terminal, again);
      terminal.note();
      terminal.note(renderSummary(snapshot, terminal.style));
      terminal.note();
      terminal.note(nextSteps(snapshot.run, options, options.dataDir, terminal.style));
      terminal.note();
      if (!options.keepRunning) return snapshot;
      if (options.json) printResult(snapshot, terminal);
      return await keepRunning(session, terminal);
    });
    if (options.json) printResult(finished, terminal);
  } catch (error) {
    if (error instanceof Interrupted) {
      terminal.note(`Stopped. Everything finished is stored; continue with: ${again}`);
    }
    throw error;
  }
}

function sayFinished(snapshot: RunSnapshot, terminal: Terminal): RunSnapshot {
  const { run } = snapshot;
  terminal.note();
  terminal.note(
    `Run ${run.runId} is complete: ${run.iterations} ${run.iterations === 1 ? 'iteration' : 'iterations'}, nothing left to do. Its result:`,
  );
  return snapshot;
}

async function runToEnd(
  session: StackSession,
  input: ReturnType<typeof demoInput>,
  stored: RunSnapshot | undefined,
  terminal: Terminal,
  again: string,
): Promise<RunSnapshot> {
  terminal.note('  Starting the worker.');
  await orAborted(session.signal, () => session.worker());
  terminal.note(`✓ The worker is ready; its log is ${session.workerLog}`);
  const { client } = await session.temporal();
  const begunAt = await readDatabaseClock(session.pool);
  const begun = await orAborted(session.signal, () => beginRun(client, input, stored !== undefined));
  terminal.note(describeBeginning(begun, input.runId, stored));
  if (session.stack.uiUrl) terminal.note(`  Temporal UI: ${session.stack.uiUrl}   Ctrl-C stops; ${again} continues.`);
  terminal.note();
  let outcome = await watch(session, input.runId, terminal);
  if (outcome.status === 'parked' && !(await wasWorkedOnSince(session.pool, input.runId, begunAt))) {
    // It failed under a worker that is gone and had nobody to say so until now; the cause may be mended.
    terminal.note(describeBeginning('resumed-parked', input.runId, await readSnapshot(session.pool, input.runId)));
    await resumeByCommand(client, input.runId);
    outcome = await watch(session, input.runId, terminal);
  }
  const snapshot = await readSnapshot(session.pool, input.runId);
  if (!snapshot) throw new RZeroError('RunNotFound', `Run "${input.runId}" is not in the database.`);
  if (outcome.status === 'completed' && isComplete(snapshot)) return snapshot;
  explainStop(outcome, snapshot, terminal, again);
  throw new AlreadyReported(`The run is ${outcome.status}.`);
}

async function watch(session: StackSession, runId: string, terminal: Terminal): Promise<FollowOutcome> {
  const display: ProgressDisplay = terminal.live
    ? progressFrame(terminal)
    : progressLines((line) => terminal.note(line));
  const before = session.notice;
  session.notice = (text) => display.notice(text);
  try {
    return await Promise.race([
      followRun({
        runId,
        connections: async () => ({ pool: session.pool, client: (await session.temporal()).client }),
        display,
        intervalMs: terminal.live ? LIVE_INTERVAL_MS : LINES_INTERVAL_MS,
        signal: session.signal,
        heal: () => session.heal(),
      }),
      session.lost,
    ]);
  } finally {
    session.notice = before;
    display.end();
  }
}

function describeBeginning(begun: Begun, runId: string, stored: RunSnapshot | undefined): string {
  const reason = stored?.run.statusReason ? ` It stood still because: ${printable(stored.run.statusReason)}` : '';
  switch (begun) {
    case 'started':
      return `✓ Run ${runId} is started.`;
    case 'restarted':
      return `✓ Run ${runId} goes on from what is stored.`;
    case 'resumed-paused':
      return `✓ Run ${runId} was paused and is resumed.${reason}`;
    case 'resumed-parked':
      return `✓ Run ${runId} was parked and is resumed: the failed shard or step is tried again.${reason}`;
    default:
      return `✓ Run ${runId} goes on.`;
  }
}

function explainStop({ status, reason }: FollowOutcome, { run }: RunSnapshot, terminal: Terminal, again: string): void {
  terminal.note();
  terminal.note(
    `${terminal.style('yellow', `Run ${run.runId} is ${status}`)}${reason ? `: ${printable(reason)}` : '.'}`,
  );
  terminal.note(
    status === 'parked'
      ? `  Everything finished is stored. Mend the cause, then go on with: ${again}`
      : `  Everything finished is stored; go on with: ${again}`,
  );
}

/** Ends by an interrupt only. */
async function keepRunning(session: StackSession, terminal: Terminal): Promise<never> {
  const { uiUrl } = session.stack;
  terminal.note(`The servers keep running${uiUrl ? ` (Temporal UI: ${uiUrl})` : ''}. Ctrl-C stops them.`);
  return await orAborted(session.signal, () => session.lost);
}

function printResult(snapshot: RunSnapshot, terminal: Terminal): void {
  // Counted from the start of the process, which did the set-up, too.
  terminal.out(JSON.stringify(demoResult(snapshot, process.uptime())));
}
