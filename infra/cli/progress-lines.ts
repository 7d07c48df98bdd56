/** Progress as lines for a log: one at each start and end of a phase, and a sign of life in long ones. */
import { clock, count, duration, percent, percentOf, points } from './numbers.ts';
import { PHASE_WORDS, describeMetrics, iterationName, unitCount } from './phase-text.ts';
import { phaseKey, secondsInPhase } from './progress-view.ts';
import type { ProgressDisplay, ProgressView } from './progress-view.ts';
import { currentPhase, isPhaseDone } from './run-snapshot.ts';
import type { PhaseState, RunSnapshot } from './run-snapshot.ts';

/** A reader of a log should never wonder for longer than this whether the run is alive. */
const HEARTBEAT_MS = 15_000;

/**
 * @param write takes one line without its line break
 */
export function progressLines(write: (line: string) => void): ProgressDisplay {
  const announced = new Set<string>();
  const finished = new Set<string>();
  const summarised = new Set<number>();
  let first = true;
  let status = 'running';
  let lastLineAt = 0;

  function say(now: Date, text: string): void {
    lastLineAt = now.getTime();
    write(`${clock(now)}  ${text}`);
  }

  /** What was stored before this command came is told in one line, not phase by phase. */
  function takeStock(snapshot: RunSnapshot, now: Date): void {
    const done = snapshot.phases.filter(isPhaseDone);
    for (const phase of done) {
      announced.add(phaseKey(phase));
      finished.add(phaseKey(phase));
    }
    for (const iteration of finishedIterations(snapshot)) summarised.add(iteration);
    const stored = describeStored(snapshot);
    if (stored) say(now, stored);
  }

  function tellPhase(phase: PhaseState, view: ProgressView, resumed: boolean): void {
    const key = phaseKey(phase);
    const name = `${iterationName(phase.iteration, view.snapshot.run.iterations)}  ${PHASE_WORDS[phase.phase].title}`;
    const active = currentPhase(view.snapshot) === phase;
    if (!announced.has(key) && (active || isPhaseDone(phase))) {
      announced.add(key);
      const part = resumed && phase.unitsDone > 0 ? `, ${count(phase.unitsDone)} stored already` : '';
      if (active) say(view.now, `${name}: ${unitCount(phase.phase, phase.units)}${part}`);
    }
    if (isPhaseDone(phase) && !finished.has(key)) {
      finished.add(key);
      const numbers = describeMetrics(phase.phase, view.metrics.get(key) ?? {});
      say(view.now, `${name} done in ${duration(phase.seconds)}${numbers ? `: ${numbers}` : ''}`);
    }
  }

  function tellStatus({ run }: RunSnapshot, now: Date): void {
    if (run.status === status) return;
    const before = status;
    status = run.status;
    if (status === 'running' && (before === 'paused' || before === 'parked')) say(now, 'The run goes on.');
    if (status === 'paused' || status === 'parked') {
      say(now, `The run is ${status}${run.statusReason ? `: ${run.statusReason}` : '.'}`);
    }
  }

  return {
    update(view) {
      const { snapshot, now } = view;
      const resumed = first;
      if (first) {
        takeStock(snapshot, now);
        // A run that was just resumed may still be called paused in its row.
        status = snapshot.run.status;
      }
      first = false;
      const whole = finishedIterations(snapshot);
      for (const [index, phase] of snapshot.phases.entries()) {
        tellPhase(phase, view, resumed);
        const { iteration } = phase;
        if (snapshot.phases[index + 1]?.iteration === iteration || summarised.has(iteration)) continue;
        if (!whole.includes(iteration)) continue;
        summarised.add(iteration);
        const line = describeIteration(snapshot, iteration);
        if (line) say(now, line);
      }
      tellStatus(snapshot, now);
      if (now.getTime() - lastLineAt < HEARTBEAT_MS) return;
      const active = currentPhase(snapshot);
      if (snapshot.run.status !== 'running') say(now, `Still ${snapshot.run.status}.`);
      else if (active) say(now, heartbeat(active, view));
      else say(now, 'Preparing the next iteration.');
    },
    notice(text) {
      say(new Date(), text);
    },
    end() {},
  };
}

function heartbeat(phase: PhaseState, view: ProgressView): string {
  const name = `${iterationName(phase.iteration, view.snapshot.run.iterations)}  ${PHASE_WORDS[phase.phase].title}`;
  const share = percent(phase.unitsDone / phase.units, 0);
  return `${name} ${phase.unitsDone}/${phase.units} (${share}), ${duration(secondsInPhase(phase, view))} so far`;
}

/** `Stored already: base model, iteration 1; of iteration 2 everything up to Gate.` */
export function describeStored(snapshot: RunSnapshot): string | undefined {
  const whole = finishedIterations(snapshot);
  const active = currentPhase(snapshot);
  const trained = whole.filter((iteration) => iteration > 0);
  const names = [
    ...(whole.includes(0) ? ['the base model’s evaluation'] : []),
    ...(trained.length > 0 ? [iterationRange(trained)] : []),
  ];
  const partly = snapshot.phases.filter((phase) => phase.iteration === active?.iteration && isPhaseDone(phase)).at(-1);
  const parts = [
    ...(names.length > 0 ? [names.join(', ')] : []),
    ...(partly ? [`iteration ${partly.iteration} up to ${PHASE_WORDS[partly.phase].title}`] : []),
    ...(active && active.unitsDone > 0
      ? [`${active.unitsDone} of ${unitCount(active.phase, active.units)} of ${PHASE_WORDS[active.phase].title}`]
      : []),
  ];
  return parts.length > 0 ? `Stored already: ${parts.join('; ')}.` : undefined;
}

/** Iterations end in order, so the first and the last name them all. */
function iterationRange(iterations: readonly number[]): string {
  const [from, to] = [iterations[0], iterations.at(-1)];
  return from === to ? `iteration ${from}` : `iterations ${from} to ${to}`;
}

function finishedIterations({ phases }: RunSnapshot): number[] {
  const iterations = [...new Set(phases.map(({ iteration }) => iteration))];
  return iterations.filter((iteration) => phases.every((phase) => phase.iteration !== iteration || isPhaseDone(phase)));
}

/** What an iteration came to, against the base model. */
export function describeIteration({ run, summaries }: RunSnapshot, iteration: number): string | undefined {
  const row = summaries.find((summary) => summary.iteration === iteration);
  const base = summaries.find((summary) => summary.iteration === 0);
  if (!row) return undefined;
  const accuracy = (title: string, value: number | null, before: number | null | undefined) =>
    value === null ? [] : [`${title} ${percent(value)}${iteration === 0 ? '' : ` (${points(value, before)})`}`];
  const accuracies = [
    ...accuracy('greedy', row.greedy_accuracy, base?.greedy_accuracy),
    ...accuracy('sampled', row.sampled_accuracy, base?.sampled_accuracy),
  ];
  const parts = [
    ...(accuracies.length > 0 ? [`${accuracies.join(', ')}${iteration === 0 ? '' : ' against the base'}`] : []),
    ...(row.kept === null ? [] : [`${count(row.kept)} questions kept`]),
    ...(row.label_accuracy === null ? [] : [`labels true: ${percentOf(row.label_accuracy, row.audited, row.kept)}`]),
  ];
  const name = iterationName(iteration, run.iterations);
  return `${name}  finished in ${duration(row.seconds)}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}
