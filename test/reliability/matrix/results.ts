/** What the matrix has found, for people and for programs. */
import { PHASE_ORDER } from '../../../activities/phases.ts';
import type { Phase } from '../../../activities/contract.ts';
import type { Fault } from '../faults/fault.ts';
import { WHOLE_RUN_FAULTS } from '../faults/index.ts';
import type { Blow, StruckRun } from './struck-run.ts';

export interface Totals {
  /** Injected. */
  faults: number;
  /** Runs that came to their end. */
  finished: number;
  /** Rows that an undisturbed run has and these have not. */
  lost: number;
  /** Rows that these have beyond. */
  duplicated: number;
  /** All rows and checkpoint hashes are those of an undisturbed run. */
  hashesEqual: boolean;
  /** Units that were worked on again after one fault. */
  repeatedAtMost: number;
}

export function totalsOf(runs: readonly StruckRun[]): Totals {
  const blows = runs.flatMap((run) => run.blows);
  const sum = (read: (run: StruckRun) => number): number => runs.reduce((total, run) => total + read(run), 0);
  return {
    faults: blows.length,
    finished: sum((run) => Number(run.finished)),
    lost: sum((run) => run.lost),
    duplicated: sum((run) => run.duplicated),
    hashesEqual: runs.every((run) => run.finished && run.unequal.length === 0),
    repeatedAtMost: Math.max(0, ...blows.map((blow) => blow.repeated)),
  };
}

/** What must not be, a line each. */
export function failuresOf(runs: readonly StruckRun[]): string[] {
  return runs.flatMap((run) => {
    const { runId, blows, finished, lost, duplicated, unequal, problems } = run;
    const found = [
      ...problems,
      ...(finished ? [] : ['it did not end']),
      ...(lost > 0 ? [`${lost} rows lost`] : []),
      ...(duplicated > 0 ? [`${duplicated} rows duplicated`] : []),
      ...(unequal.length > 0 ? [`${unequal.length} rows differ, e.g. ${unequal.slice(0, 3).join('; ')}`] : []),
      ...blows.flatMap(({ fault, phase, problem, repeated }) => [
        ...(problem === undefined ? [] : [`${fault}, ${phase}: ${problem}`]),
        ...(repeated <= 1 ? [] : [`${fault}, ${phase}: ${repeated} units repeated`]),
      ]),
    ];
    const struck = blows.map(({ fault, phase }) => `${fault} (${phase})`).join(', ');
    return found.map((what) => `${runId}: ${what}. Struck by: ${struck}.`);
  });
}

const COLUMNS = [...PHASE_ORDER, 'run'] as const;
const TITLES: Readonly<Record<Phase | 'run', string>> = {
  challenger_training: 'Challenger',
  dataset_generation: 'questions',
  labelling: 'labelling',
  gating: 'gate',
  solver_training: 'Solver',
  evaluation: 'evaluation',
  audit: 'audit',
  run: 'run',
};

/**
 * A Markdown table: a row a fault, a column a phase. A cell says how many units were worked on again; `p` that the run waited
 * for a person, `✗` that something was not as it must be, nothing that the fault did not strike there.
 */
export function renderMatrix(faults: readonly Fault[], runs: readonly StruckRun[]): string {
  const head = ['fault', ...COLUMNS.map((column) => TITLES[column]), 'injected'];
  const whole = Object.values(WHOLE_RUN_FAULTS).map((name) => ({ name, phases: ['run'] }));
  const rows = [...faults, ...whole].map(({ name, phases }: { name: string; phases: readonly string[] }) => {
    const cells = COLUMNS.map((column) => (phases.includes(column) ? cellOf(runs, name, column) : '–'));
    const injected = runs.flatMap((run) => run.blows).filter((blow) => blow.fault === name).length;
    return [name, ...cells, String(injected)];
  });
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function cellOf(runs: readonly StruckRun[], fault: string, phase: Phase | 'run'): string {
  const struck = runs.flatMap((run) =>
    run.blows.filter((blow) => blow.fault === fault && blow.phase === phase).map((blow) => ({ run, blow })),
  );
  if (struck.length === 0) return '';
  if (struck.some(({ run, blow }) => isWrong(run, blow))) return '✗';
  const repeated = Math.max(...struck.map(({ blow }) => blow.repeated));
  return `${repeated}${struck.some(({ blow }) => blow.parked.length > 0) ? ' p' : ''}`;
}

/** What is wrong with a run may be the doing of any of its faults. */
function isWrong({ finished, lost, duplicated, unequal, problems }: StruckRun, { problem, repeated }: Blow): boolean {
  return !finished || lost + duplicated + unequal.length + problems.length > 0 || problem !== undefined || repeated > 1;
}
