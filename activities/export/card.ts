/** The data card of an export: `README.md` with the fields that Hugging Face reads, and what a reader must know. */
import type pg from 'pg';
import type { EngineDescription } from '../engine/types.ts';
import { isHubId } from '../model-folder.ts';
import type { ModelProfile } from '../profile.ts';
import type { RunConfig } from '../run-input.ts';
import type { Relation } from '../../db/queries/export.ts';
import { LEFT_OUT } from '../../db/queries/export-relations.ts';
import { readSummaries } from '../../db/queries/summary.ts';
import type { RunRow } from '../../db/queries/runs.ts';
import type { ExportManifest } from './manifest.ts';

/** @param licence of the base model, where it is known */
export async function dataCard(
  pool: pg.Pool,
  run: RunRow,
  manifest: ExportManifest,
  relations: readonly Relation[],
  licence: string | undefined,
): Promise<string> {
  const rows = manifest.relations.reduce((sum, relation) => sum + relation.rows, 0);
  return [
    ...frontMatter(run, manifest, rows),
    '',
    `# ${TITLES[manifest.what]} of R-Zero run ${cell(run.runId)}`,
    '',
    'Written and labelled by language models, without human data: a *Challenger* writes questions, a *Solver* answers each of them several',
    'times, and the majority answer is the pseudo-label ([R-Zero, arXiv 2508.05004](https://arxiv.org/abs/2508.05004)). **A label is what most',
    'samples agree on, and may be false.**',
    '',
    '| configuration | rows | what a row is |',
    '| --- | ---: | --- |',
    ...relations.map(({ name, description }) => {
      const count = manifest.relations.find((relation) => relation.name === name)?.rows ?? 0;
      return `| \`${name}\` | ${count.toLocaleString('en-US')} | ${cell(description)} |`;
    }),
    '',
    '```python',
    'from datasets import load_dataset',
    '',
    `rows = load_dataset("path/of/this/folder", "${largest(manifest)}", split="train")`,
    '```',
    '',
    ...provenance(run, manifest),
    '',
    ...(await accuracy(pool, run.runId, manifest.limits.iteration)),
    ...(manifest.what === 'everything' ? whatIsLeftOut(manifest) : []),
    ...licenceNote(run, licence),
    '',
    '## Columns',
    ...relations.flatMap(columns),
    '',
  ].join('\n');
}

const largest = ({ relations }: ExportManifest): string =>
  relations.reduce((best, relation) => (relation.rows > best.rows ? relation : best)).name;

const TITLES: Readonly<Record<ExportManifest['what'], string>> = {
  dataset: 'Training set',
  rollouts: 'Training rollouts',
  everything: 'All rows',
};

const SIZES = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8] as const;
const SIZE_NAMES = ['n<1K', '1K<n<10K', '10K<n<100K', '100K<n<1M', '1M<n<10M', '10M<n<100M', '100M<n<1B'];

/** JSON is YAML, so that nothing in a name can end the value it stands in. */
function frontMatter(run: RunRow, { relations, what }: ExportManifest, rows: number): string[] {
  const size = SIZES.filter((limit) => rows >= limit).length;
  return [
    '---',
    `pretty_name: ${JSON.stringify(`R-Zero run ${run.runId}: ${what}`)}`,
    'license: other',
    'task_categories:',
    '  - text-generation',
    'tags:',
    '  - synthetic',
    '  - r-zero',
    'size_categories:',
    `  - ${SIZE_NAMES[size]}`,
    'configs:',
    // The loader refuses a split without rows.
    ...(rows === 0 ? relations : relations.filter((relation) => relation.rows > 0)).flatMap(({ name }, index) => [
      `  - config_name: ${name}`,
      ...(index === 0 ? ['    default: true'] : []),
      '    data_files:',
      '      - split: train',
      `        path: data/${name}/train-*.parquet`,
    ]),
    '---',
  ];
}

function provenance(run: RunRow, { limits, codeVersion }: ExportManifest): string[] {
  const config = run.config as RunConfig;
  const engine = run.engine as EngineDescription | null;
  const profile = run.profile as ModelProfile;
  const facts: [string, string][] = [
    ['run', run.runId],
    ['started', run.createdAt.toISOString()],
    ['iterations', `1 to ${limits.iteration} of ${run.iterations}`],
    [
      'method',
      `preset ${run.preset}, version ${run.presetVersion}${run.control === 'none' ? '' : `, control ${run.control}`}`,
    ],
    ['seed', String(run.seed)],
    ['base model', `${modelName(config.model)}, checkpoint ${run.baseCheckpointId}`],
    ['prompts', `sha-256 ${run.profileHash}, version ${profile.version}`],
    ['held-out questions', run.heldOutHash === null ? 'none' : `sha-256 ${run.heldOutHash}`],
    ['software', `temporal-r-zero ${run.codeVersion}; exported by ${codeVersion}`],
    ['engine', engine ? `${engine.engine}, ${engine.backend} ${engine.backendVersion}, ${engine.device}` : 'none'],
  ];
  return [
    '## Provenance',
    '',
    '| | |',
    '| --- | --- |',
    ...facts.map(([name, value]) => `| ${name} | ${cell(value)} |`),
  ];
}

async function accuracy(pool: pg.Pool, runId: string, iteration: number): Promise<string[]> {
  const rows = (await readSummaries(pool, runId)).filter((row) => row.iteration <= iteration && row.audited);
  if (rows.length === 0) return [];
  return [
    '## How many labels of the training set are true',
    '',
    'Where exact arithmetic can tell; training never saw it.',
    '',
    '| iteration | compared | true |',
    '| ---: | ---: | ---: |',
    ...rows.map(
      ({ iteration: n, audited, label_accuracy: share }) =>
        `| ${n} | ${audited} | ${(100 * (share ?? 0)).toFixed(1)} % |`,
    ),
    '',
  ];
}

function whatIsLeftOut({ takes, limits }: ExportManifest): string[] {
  const resets = limits.take - 1;
  return [
    '## What is not in it',
    '',
    '- Rows of iterations that were not finished.',
    ...Object.entries(LEFT_OUT).map(([table, reason]) => `- \`${table}\`: ${reason}.`),
    ...(resets > 0 && takes === 'current' ? [`- Rows that the run's resets (${resets}) have superseded.`] : []),
    '',
    ...(takes === 'all'
      ? [
          'Rows that a reset has superseded are in it: `superseded_by` names the take, and is null for current rows.',
          '',
        ]
      : []),
  ];
}

function licenceNote(run: RunRow, licence: string | undefined): string[] {
  const name = cell(modelName((run.config as RunConfig).model));
  return [
    '## Licence',
    '',
    licence === undefined
      ? `Made with the model ${name}, whose licence is not recorded here and may bind what is made with it: read it before you share these rows.`
      : `Made with the model ${name}, which is under ${cell(licence)}; its terms may bind what is made with it.`,
  ];
}

function columns({ name, columns: all }: Relation): string[] {
  return [
    '',
    `### ${name}`,
    '',
    '| column | type | meaning |',
    '| --- | --- | --- |',
    ...all.map(
      (column) =>
        `| \`${column.name}\` | ${column.type}${column.nullable ? ' or null' : ''} | ${cell(column.description)} |`,
    ),
  ];
}

/** A path of somebody's machine is nobody else's business. */
function modelName(model: string): string {
  return isHubId(model) || !/[\\/]/.test(model) ? model : `the folder ${model.split(/[\\/]/).at(-1)}`;
}

/** Text in a cell of a Markdown table: neither the table nor the page can be ended by it. */
function cell(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[&<>]/g, (mark) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[mark]!)
    .replaceAll(/[\\`*_[\]|]/g, String.raw`\$&`);
}
