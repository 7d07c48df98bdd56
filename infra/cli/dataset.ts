/** `r-zero dataset`. */
import { existsSync } from 'node:fs';
import { LOADERS, LOADER_NAMES, loaderOf } from '../../activities/evaluation-sets/loaders.ts';
import type { LoaderName } from '../../activities/evaluation-sets/loaders.ts';
import { readSet } from '../../activities/evaluation-sets/read-set.ts';
import { datasetFolder, filesOf } from '../../activities/evaluation-sets/settle.ts';
import { getDataset } from '../datasets/get-dataset.ts';
import { readOrigin } from '../models/origin.ts';
import { terminalReporter } from '../setup/progress.ts';
import { count } from './numbers.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export function listDatasets(json: boolean, terminal: Terminal): void {
  const rows = LOADER_NAMES.map((name) => {
    const { label, area, measure, samples, hub } = loaderOf(name);
    const measured = measure === 'mean' ? `mean@${samples}` : 'greedy';
    return { name, label, area, measured, hub: hub?.id ?? null, ready: hub ? existsSync(datasetFolder(name)) : null };
  });
  if (json) return terminal.out(JSON.stringify(rows));
  terminal.out(
    plainTable(
      ['set', 'what', 'average', 'measured', 'hub', 'here'],
      rows.map((row) => [
        row.name,
        row.label,
        row.area,
        row.measured,
        row.hub ?? '',
        row.ready === null ? '' : row.ready ? 'yes' : 'no',
      ]),
      6,
    ),
  );
}

export async function getDatasetCommand(
  name: LoaderName,
  { json, revision }: { json: boolean; revision?: string },
  terminal: Terminal,
): Promise<void> {
  const ready = await getDataset(name, { revision, report: terminalReporter() });
  if (json) return terminal.out(JSON.stringify({ name, ...ready }));
  terminal.out(
    `${LOADERS[name].label}: ${count(ready.questions)} questions from ${printable(ready.source)}, in ${ready.path}`,
  );
}

export async function inspectDataset(
  name: LoaderName,
  { json, file }: { json: boolean; file?: string },
  terminal: Terminal,
): Promise<void> {
  const paths = filesOf({ set: name, file }, 'file');
  const { items, hash } = await readSet(name, paths, 'file');
  const origin = file === undefined ? await readOrigin(datasetFolder(name)) : undefined;
  const categories: Record<string, number> = {};
  for (const { category = 'none' } of items) categories[category] = (categories[category] ?? 0) + 1;
  const first = items[0]!;
  const asked = loaderOf(name).ask(first);
  const description = {
    name,
    files: paths,
    source: origin?.source ?? null,
    licence: origin?.licence ?? null,
    questions: items.length,
    hash,
    categories,
    first: { asked, answer: first.answer },
  };
  if (json) return terminal.out(JSON.stringify(description));
  const lines = [
    `${loaderOf(name).label}: ${count(items.length)} questions, sha-256 ${hash}`,
    ...paths.map((path) => `  ${path}`),
    ...(origin ? [`  from ${origin.source}, licence ${origin.licence ?? 'not stated'}`] : []),
    ...(Object.keys(categories).length > 1
      ? [
          `  categories: ${Object.entries(categories)
            .map(([category, number]) => `${category} ${count(number)}`)
            .join(', ')}`,
        ]
      : []),
    '  the first is asked:',
    ...asked.split('\n').map((line) => `    ${line}`),
    `  right: ${first.answer}`,
  ];
  for (const line of lines) terminal.out(printable(line));
}
