/** What was run: settings, and where every number comes from. */
import { flatten } from '../../../activities/settings.ts';
import { resolveRunInput } from '../../../activities/run-input.ts';
import type { ModelProfile } from '../../../activities/profile.ts';
import type { OriginRow } from '../../../db/queries/report.ts';
import { count } from '../../cli/numbers.ts';
import type { RunData } from '../data.ts';
import { markup } from '../html.ts';
import type { Fragment, Html } from '../html.ts';
import { table } from '../table.ts';
import { section } from './section.ts';

export function configurationSection(runs: readonly RunData[]): Html {
  return section(
    'configuration',
    'Configuration and provenance',
    markup`<h3>Where the numbers come from</h3>`,
    provenanceTable(runs),
    changedTable(runs),
    folded('settings', 'All settings', settingsTable(runs)),
    folded('checkpoints', 'Checkpoints', checkpointTable(runs)),
  );
}

const folded = (id: string, title: string, content: Html): Html =>
  markup`<details class="numbers" id="${id}-numbers"><summary>${title}</summary>${content}</details>`;

const columnsOf = (runs: readonly RunData[], first: string) => [
  { head: first, text: true },
  ...runs.map(({ run }) => ({ head: run.runId, text: true })),
];

const code = (text: string): Html => markup`<code>${text}</code>`;

/** Each with a cell a run; what differs is marked. */
const rowOf = (name: string, cells: readonly Fragment[], plain: readonly string[]): Fragment[] => [
  name,
  ...(new Set(plain).size > 1 ? cells.map((cell) => markup`<mark>${cell}</mark>`) : cells),
];

function provenanceTable(runs: readonly RunData[]): Html {
  const facts: [string, (data: RunData) => Fragment][] = [
    ['method', ({ run }) => `preset ${run.preset}, version ${run.presetVersion}`],
    ['control', ({ run }) => run.control],
    ['seed', ({ run }) => String(run.seed)],
    ['iterations planned', ({ run }) => String(run.iterations)],
    ['base model', ({ config, run }) => markup`${modelName(config.model)}, ${code(run.baseCheckpointId.slice(0, 16))}`],
    [
      'prompts',
      ({ run }) =>
        markup`version ${String((run.profile as Partial<ModelProfile>).version ?? '–')},
        ${code(run.profileHash.slice(0, 16))}`,
    ],
    ['held-out questions', ({ run }) => (run.heldOutHash === null ? 'none' : code(run.heldOutHash.slice(0, 16)))],
    [
      'computed by',
      ({ origins }) =>
        origins.map(
          (origin, index) => markup`${index > 0 ? markup`<br />` : ''}${originText(origin, origins.length > 1)}`,
        ),
    ],
    ['started', ({ run }) => time(run.createdAt)],
    ['newest row', ({ lastRow }) => (lastRow ? time(lastRow) : '–')],
  ];
  return table({
    id: 'provenance',
    caption: 'As the database has them; hashes are sha-256, their first 16 digits',
    columns: columnsOf(runs, ''),
    rows: facts.map(([name, of]) => [name, ...runs.map(of)]),
  });
}

function originText(origin: OriginRow, isCounted: boolean): string {
  const parts = [
    `temporal-r-zero ${origin.code_version ?? '?'}`,
    `${origin.engine} on ${origin.backend} ${origin.backend_version ?? ''}`.trim(),
    `${origin.execution} execution`,
    origin.device,
    origin.deterministic === false ? 'not deterministic' : undefined,
    origin.threads === null ? undefined : `${origin.threads} thread${origin.threads === 1 ? '' : 's'}`,
    isCounted ? `${count(origin.units)} units` : undefined,
  ];
  return parts.filter(Boolean).join(', ');
}

/** `2026-01-30 14:03 UTC`: where the reader is must not change the page. */
export const time = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** A path of somebody's machine is nobody else's business. */
export const modelName = (model: string): string =>
  /^(\/|[A-Za-z]:|\.)|\\/.test(model)
    ? `the folder ${model.split(/[\\/]/).findLast((part) => part !== '') ?? ''}`
    : model;

interface Settings {
  /** What the run was told, or a default. */
  values: ReadonlyMap<string, unknown>;
  /** What it would be for this preset, control and seed without being told. */
  defaults: ReadonlyMap<string, unknown>;
}

const settingsOf = ({ run, config }: RunData): Settings => ({
  values: flatten(config),
  defaults: flatten(resolveRunInput({ preset: run.preset, control: run.control, seed: run.seed }).config),
});

const namesOf = (settings: readonly Settings[]): string[] =>
  [...new Set(settings.flatMap(({ values }) => [...values.keys()]))].sort();

function settingText(value: unknown, name: string): string {
  if (value === undefined) return '–';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return name === 'model' || name === 'prompts' ? modelName(text) : text;
}

function changedTable(runs: readonly RunData[]): Html {
  const settings = runs.map(settingsOf);
  const changed = namesOf(settings).filter((name) =>
    settings.some(({ values, defaults }) => values.get(name) !== defaults.get(name)),
  );
  if (changed.length === 0) return markup`<p class="note">Every setting has its default.</p>`;
  return table({
    id: 'changed-settings',
    caption: 'Settings that are not the defaults of preset and control',
    columns: [...columnsOf(runs, 'field'), { head: 'default', text: true }],
    rows: changed.map((name) => [
      name,
      ...settings.map(({ values }) => settingText(values.get(name), name)),
      [...new Set(settings.map(({ defaults }) => settingText(defaults.get(name), name)))].join(', '),
    ]),
  });
}

function settingsTable(runs: readonly RunData[]): Html {
  const settings = runs.map(settingsOf);
  return table({
    id: 'settings',
    caption: runs.length > 1 ? 'Every field of the input; what differs is marked' : 'Every field of the input',
    columns: columnsOf(runs, 'field'),
    rows: namesOf(settings).map((name) => {
      const texts = settings.map(({ values }) => settingText(values.get(name), name));
      return rowOf(name, texts, texts);
    }),
  });
}

function checkpointTable(runs: readonly RunData[]): Html {
  const keys = [
    ...new Set(runs.flatMap(({ policies }) => policies.map(({ iteration, role }) => `${iteration} ${role}`))),
  ];
  return table({
    id: 'checkpoints',
    caption: 'The policies at the end of each iteration',
    columns: columnsOf(runs, 'iteration and role'),
    rows: keys.map((key) => [
      key,
      ...runs.map(({ policies }) => {
        const found = policies.find(({ iteration, role }) => `${iteration} ${role}` === key);
        return found ? code(found.checkpoint) : '–';
      }),
    ]),
  });
}
