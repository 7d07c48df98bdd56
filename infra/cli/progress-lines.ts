/** Progress as lines for a log: one at each start and end of a phase, and a sign of life in long ones. */
import { clock, count, duration, percent, points } from './numbers.ts';
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

  function tellPhase(phase: PhaseState, view: ProgressView): void {
    const key = phaseKey(phase);
    const name = `${iterationName(phase.iteration, view.snapshot.run.iterations)}  ${PHASE_WORDS[phase.phase].title}`;
    const active = currentPhase(view.snapshot) === phase;
    if (!announced.has(key) && (active || isPhaseDone(phase))) {
      announced.add(key);
      const part = phase.unitsDone > 0 && active ? `, ${count(phase.unitsDone)} stored already` : '';
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
    if (status === 'running' && before !== 'running') say(now, 'The run goes on.');
    if (status === 'paused' || status === 'parked') {
      say(now, `The run is ${status}${run.statusReason ? `: ${run.statusReason}` : '.'}`);
    }
  }

  return {
    update(view) {
      const { snapshot, now } = view;
      if (first) {
        takeStock(snapshot, now);
        status = snapshot.run.status === 'running' ? 'running' : status;
      }
      first = false;
      for (const phase of snapshot.phases) tellPhase(phase, view);
      for (const iteration of finishedIterations(snapshot)) {
        if (summarised.has(iteration)) continue;
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
  const names = whole.map((iteration) => (iteration === 0 ? 'the base model’s evaluation' : `iteration ${iteration}`));
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

function finishedIterations({ phases }: RunSnapshot): number[] {
  const iterations = [...new Set(phases.map(({ iteration }) => iteration))];
  return iterations.filter((iteration) => phases.every((phase) => phase.iteration !== iteration || isPhaseDone(phase)));
}

/** What an iteration came to, against the base model. */
export function describeIteration({ run, summaries }: RunSnapshot, iteration: number): string | undefined {
  const row = summaries.find((summary) => summary.iteration === iteration);
  const base = summaries.find((summary) => summary.iteration === 0);
  if (!row) return undefined;
  const accuracy = (name: string, value: number | null, before: number | null | undefined) =>
    value === null
      ? []
      : [`${name} ${percent(value)}${iteration === 0 ? '' : ` (${points(value, before)} points against the base)`}`];
  const parts = [
    ...accuracy('greedy', row.greedy_accuracy, base?.greedy_accuracy),
    ...accuracy('sampled', row.sampled_accuracy, base?.sampled_accuracy),
    ...(row.kept === null ? [] : [`${count(row.kept)} questions kept`]),
    ...(row.label_accuracy === null ? [] : [`${percent(row.label_accuracy)} of their labels true`]),
  ];
  const name = iterationName(iteration, run.iterations);
  return `${name}  finished in ${duration(row.seconds)}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}
