/** Whether the run is still well: every judgement, what was done about the bad ones, and what was done again. */
import type { Phase } from '../../../activities/contract.ts';
import { byPhase } from '../../../activities/phases.ts';
import type { ReportAlarmRow, ReportTakeRow } from '../../../db/queries/report-alarms.ts';
import { count, isNumber } from '../../cli/numbers.ts';
import { PHASE_WORDS } from '../../cli/phase-text.ts';
import type { RunData } from '../data.ts';
import { markup } from '../html.ts';
import type { Fragment, Html } from '../html.ts';
import { idOf, iterationName, named } from '../runs.ts';
import { behind, table } from '../table.ts';
import { time } from './configuration.ts';
import { note, section } from './section.ts';

/** What a raised alarm asked for. */
const ACTIONS: Readonly<Record<string, string>> = {
  off: 'none: switched off',
  note: 'noted',
  pause: 'run parked',
  stop: 'run ended',
  rollback: 'rolled back',
};
/** Alarms that the sentence on top names; the others are in its table. */
const MOST_NAMED = 4;

export function alarmSection(runs: readonly RunData[]): Html {
  const all = runs.map(
    (data) =>
      markup`${runs.length > 1 ? markup`<h3>${data.run.runId}</h3>` : ''}
      ${summary(data)} ${raisedTable(runs, data)} ${takeTable(runs, data)}
      ${data.alarms.length > 0 ? behind(idOf('alarms', data), allTable(runs, data)) : ''}`,
  );
  return section('alarms', 'Is it still well?', all);
}

const stands = (row: ReportAlarmRow): boolean => row.superseded_by === null;

function summary({ alarms }: RunData): Html {
  const judged = alarms.filter(stands);
  if (judged.length === 0) return note('Nothing was judged yet.');
  const phases = new Set(judged.map(({ iteration, phase }) => `${iteration} ${phase}`)).size;
  const empty = judged.filter(({ value }) => value === null).length;
  const raised = judged.filter((row) => row.raised).length;
  return markup`<p>${
    raised === 0
      ? 'No alarm is raised: '
      : markup`<strong>${count(raised)} alarm${raised === 1 ? ' is' : 's are'} raised</strong> of `
  }${count(judged.length)} judgements at the ends of ${count(phases)} phases${
    empty > 0 ? `, ${count(empty)} of which had nothing to compare` : ''
  }.</p>`;
}

/** For the first section: undefined when there is nothing to warn of. */
export function alarmSentence({ alarms, takes }: RunData): Html | undefined {
  const raised = alarms.filter((row) => stands(row) && row.raised);
  const rollbacks = takes.filter(({ requested_by: by }) => by === 'alarm').length;
  if (raised.length + rollbacks === 0) return undefined;
  const names = raised.slice(0, MOST_NAMED).map(({ alarm, iteration }) => `${alarm} (iteration ${iteration})`);
  const more = raised.length - names.length;
  const said = [
    ...(raised.length > 0 ? [`raised ${names.join(', ')}${more > 0 ? ` and ${count(more)} more` : ''}`] : []),
    ...(rollbacks > 0 ? [`rolled the run back ${rollbacks === 1 ? 'once' : `${count(rollbacks)} times`}`] : []),
  ];
  return markup`<a href="#alarms">Alarms</a>: ${said.join('; ')}.`;
}

const short = (value: number | null): string => (isNumber(value) ? String(Number(value.toPrecision(3))) : '–');
const title = (phase: string): string => PHASE_WORDS[phase as Phase].title;

const inOrder = (rows: readonly ReportAlarmRow[]): ReportAlarmRow[] =>
  [...rows].sort(
    (a, b) =>
      a.iteration - b.iteration || a.take - b.take || byPhase({ phase: a.phase as Phase }, { phase: b.phase as Phase }),
  );

const PLACE = [{ head: 'iteration' }, { head: 'phase', text: true }, { head: 'alarm', text: true }] as const;
const place = ({ iteration, phase, alarm }: ReportAlarmRow): Fragment[] => [
  iterationName(iteration),
  title(phase),
  alarm,
];

function raisedTable(runs: readonly RunData[], data: RunData): Html | '' {
  const raised = inOrder(data.alarms.filter((row) => row.raised));
  if (raised.length === 0) return '';
  return table({
    id: idOf('alarms-raised', data),
    caption: named(runs, data, 'Alarms that were raised, also in what was done again since'),
    columns: [
      ...PLACE,
      { head: 'value' },
      { head: 'threshold' },
      { head: 'done', text: true },
      { head: 'stands', text: true },
      { head: 'what was found', text: true },
    ],
    rows: raised.map((row) => [
      ...place(row),
      short(row.value),
      short(row.threshold),
      ACTIONS[row.action] ?? row.action,
      stands(row) ? 'yes' : `no: done again in take ${row.superseded_by}`,
      row.message,
    ]),
  });
}

function allTable(runs: readonly RunData[], data: RunData): Html {
  return table({
    id: idOf('alarms-all', data),
    caption: named(runs, data, 'Every judgement that stands'),
    columns: [
      ...PLACE,
      { head: 'value' },
      { head: 'threshold' },
      { head: 'raised', text: true },
      { head: 'what was found', text: true },
    ],
    rows: inOrder(data.alarms.filter(stands)).map((row) => [
      ...place(row),
      short(row.value),
      short(row.threshold),
      row.raised ? markup`<strong>raised</strong>` : 'no',
      row.message,
    ]),
  });
}

function takeTable(runs: readonly RunData[], data: RunData): Html | '' {
  if (data.takes.length === 0) return '';
  return table({
    id: idOf('takes', data),
    caption: named(
      runs,
      data,
      'What was done again: everything from there on; this page shows what came of the last take',
    ),
    columns: [
      { head: 'take' },
      { head: 'from iteration' },
      { head: 'phase', text: true },
      { head: 'asked for by', text: true },
      { head: 'at', text: true },
      { head: 'why', text: true },
      { head: 'with', text: true },
    ],
    rows: data.takes.map((row) => [
      String(row.take),
      iterationName(row.iteration),
      title(row.phase),
      row.requested_by,
      time(row.created_at),
      row.reason,
      changesText(row),
    ]),
  });
}

const changesText = ({ changes }: ReportTakeRow): string =>
  changes === null
    ? 'the same settings'
    : Object.entries(changes)
        .map(([field, { from, to }]) => `${field} ${settingText(from)} → ${settingText(to)}`)
        .join('; ');

const settingText = (value: unknown): string =>
  value === null ? 'default' : typeof value === 'string' ? value : JSON.stringify(value);
