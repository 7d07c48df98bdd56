/** Progress drawn in place on a terminal. */
import { createLogUpdate } from 'log-update';
import { clock, count, duration, percent, percentOf, points } from './numbers.ts';
import { PHASE_WORDS, describeMetrics, unitCount } from './phase-text.ts';
import { phaseKey, secondsInPhase } from './progress-view.ts';
import type { ProgressDisplay, ProgressView } from './progress-view.ts';
import { currentPhase, isPhaseDone } from './run-snapshot.ts';
import type { PhaseState } from './run-snapshot.ts';
import { describeEngine } from './engine-text.ts';
import { printable } from './terminal.ts';
import type { Paint, Terminal } from './terminal.ts';

const BAR_WIDTH = 20;
const TITLE_WIDTH = 21;
/** Finished iterations in the frame, beside the base model: a frame must not be taller than the screen. */
const MOST_ROWS = 6;

export function progressFrame(terminal: Terminal): ProgressDisplay {
  const redraw = createLogUpdate(terminal.stream);
  return {
    update: (view) => redraw(renderFrame(view, terminal.columns(), terminal.style).join('\n')),
    notice: (text) => redraw.persist(`${clock(new Date())}  ${text}`),
    end: () => redraw.done(),
  };
}

/**
 * The frame as lines, none longer than `columns`.
 *
 * @param paint colours a text; given the plain text, so that widths can be counted before
 */
export function renderFrame(view: ProgressView, columns: number, paint: Paint): string[] {
  const { snapshot } = view;
  const { run, phases, summaries } = snapshot;
  const fit = (text: string) => (text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`);
  const active = currentPhase(snapshot);
  const iteration = active?.iteration ?? phases.at(-1)?.iteration ?? 0;
  const elapsed = duration((view.now.getTime() - view.followedSince.getTime()) / 1000);
  const heading = [
    `Run ${run.runId}`,
    `seed ${run.seed}`,
    ...(run.control === 'none' ? [] : [`control ${run.control}`]),
    ...(run.engine ? [describeEngine(run.engine)] : []),
  ].join(' · ');
  const where = iteration === 0 ? 'Base model' : `Iteration ${iteration} of ${run.iterations}`;
  const lines = [paint('bold', fit(heading)), fit(`${where}, ${elapsed} elapsed`), ''];

  if (run.status === 'paused' || run.status === 'parked') {
    const reason = run.statusReason ? `: ${printable(run.statusReason)}` : '';
    lines.push(paint('yellow', fit(`${run.status}${reason}`)), '');
  }
  for (const phase of phases.filter((candidate) => candidate.iteration === iteration)) {
    const line = fit(phaseLine(phase, view, phase === active));
    lines.push(
      isPhaseDone(phase)
        ? paint('green', line.slice(0, 3)) + line.slice(3)
        : phase === active
          ? line
          : paint('dim', line),
    );
  }
  if (phases.length === 0) lines.push(paint('dim', fit('  The run is being opened.')));

  const finished = summaries.filter((row) => row.greedy_accuracy !== null || row.sampled_accuracy !== null);
  if (finished.length > 0) lines.push('');
  for (const row of finished.filter(
    ({ iteration }, index) => iteration === 0 || index >= finished.length - MOST_ROWS,
  )) {
    const base = summaries[0];
    const gain = (value: number | null, before: number | null | undefined) =>
      row.iteration === 0 || value === null ? '' : ` (${points(value, before)})`;
    const parts = [
      `greedy ${percent(row.greedy_accuracy)}${gain(row.greedy_accuracy, base?.greedy_accuracy)}`,
      `sampled ${percent(row.sampled_accuracy)}${gain(row.sampled_accuracy, base?.sampled_accuracy)}`,
      ...(row.kept === null ? [] : [`${count(row.kept)} questions kept`]),
      ...(row.label_accuracy === null ? [] : [`labels true: ${percentOf(row.label_accuracy, row.audited, row.kept)}`]),
    ];
    lines.push(
      fit(`  ${(row.iteration === 0 ? 'base model' : `iteration ${row.iteration}`).padEnd(13)} ${parts.join(', ')}`),
    );
  }
  return lines;
}

function phaseLine(phase: PhaseState, view: ProgressView, active: boolean): string {
  const title = PHASE_WORDS[phase.phase].title.padEnd(TITLE_WIDTH);
  if (isPhaseDone(phase)) {
    const numbers = describeMetrics(phase.phase, view.metrics.get(phaseKey(phase)) ?? {});
    return ` ✓ ${title} ${duration(phase.seconds).padStart(12)}  ${numbers}`.trimEnd();
  }
  if (!active) return `   ${title} ${unitCount(phase.phase, phase.units).padStart(12)}`;
  const filled = Math.round((phase.unitsDone / phase.units) * BAR_WIDTH);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
  return ` ▸ ${title} ${bar} ${phase.unitsDone}/${phase.units}  ${duration(secondsInPhase(phase, view))}`;
}
