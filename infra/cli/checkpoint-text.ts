/** What `r-zero checkpoint` prints for people. */
import type { ListedCheckpoint } from '../../activities/retention/list.ts';
import type { PruneReport } from '../../activities/retention/prune.ts';
import type { VerifiedCheckpoint, VerifyReport } from '../../activities/retention/verify.ts';
import type { CheckpointPlace } from '../../db/queries/checkpoints.ts';
import { count, fileSize } from './numbers.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';

/** @param orphans ids of folders that no row knows of */
export function renderList(
  listed: readonly ListedCheckpoint[],
  dataDir: string,
  orphans: readonly string[] = [],
): string {
  if (listed.length === 0) return 'No run has written a checkpoint yet.';
  const adapted = listed.some(({ base }) => base !== null);
  const rows = listed.map((checkpoint) => [
    shortId(checkpoint.checkpointId),
    ...placeCells(checkpoint.places),
    ...(adapted ? [checkpoint.base === null ? 'weights' : `adapters on ${shortId(checkpoint.base)}`] : []),
    optimizerCell(checkpoint),
    checkpoint.state,
    fileSize(checkpoint.bytes),
    fileSize(checkpoint.bytesOnDisk),
    referencesCell(checkpoint.references),
  ]);
  const content = adapted ? ['content'] : [];
  const head = ['id', 'run', 'role', 'iteration', 'step', ...content, 'optimizer', 'state', 'size', 'on disk', 'rows'];
  const total = listed.reduce((sum, { bytesOnDisk }) => sum + bytesOnDisk, 0);
  return [
    plainTable(head, rows, 7 + content.length),
    '',
    `${count(listed.length)} checkpoints, ${fileSize(total)} on disk. "rows" is how many name it.`,
    ...(orphans.length === 0
      ? []
      : [
          `${count(orphans.length)} more on disk have no row, of steps that were interrupted, or from after the copy from which the database ` +
            `was restored: ${orphans.map(shortId).join(', ')}.`,
        ]),
    ...wrongFolder(
      dataDir,
      listed.every(({ state }) => state === 'missing'),
    ),
  ].join('\n');
}

export function renderVerify({ checkpoints, unknown, ok }: VerifyReport, dataDir: string): string {
  const rows = checkpoints.map((checkpoint) => [
    shortId(checkpoint.checkpointId),
    ...placeCells(checkpoint.places),
    statusCell(checkpoint),
  ]);
  const problems = checkpoints.flatMap(({ checkpointId, problems }) =>
    problems.map(({ file, problem, expected, actual }) => {
      const detail = problem === 'missing' ? '' : `: expected ${expected}, found ${actual}`;
      if (problem === 'base') return `  ${shortId(checkpointId)} lies on ${shortId(file)}, which is ${actual}`;
      return `  ${shortId(checkpointId)}/${file} ${problem === 'missing' ? 'is missing' : 'differs'}${detail}`;
    }),
  );
  const unfinished = checkpoints.filter((checkpoint) => checkpoint.unfinished).length;
  const bad = checkpoints.filter(({ status }) => status === 'missing' || status === 'corrupt').length;
  return [
    rows.length === 0
      ? 'No run has written a checkpoint yet.'
      : plainTable(['id', 'run', 'role', 'iteration', 'step', 'status'], rows, 6),
    ...(problems.length === 0 ? [] : ['', ...problems.map(printable)]),
    ...(unknown && unknown.length > 0
      ? [
          '',
          'No row knows of these; a step that was interrupted leaves such:',
          ...unknown.map((name) => `  ${printable(name)}`),
        ]
      : []),
    '',
    ok
      ? 'What is there is as it was written.'
      : `${count(bad)} of ${count(checkpoints.length)} are not as they were written.`,
    ...(unfinished > 0 ? ['A deletion was interrupted; the next `checkpoint prune` of the run completes it.'] : []),
    ...wrongFolder(dataDir, rows.length > 0 && checkpoints.every(({ status }) => status === 'missing')),
  ].join('\n');
}

export function renderPrune({ runId, policy, dryRun, pruned, bytes, kept, shared }: PruneReport): string {
  const title = `Run ${printable(runId)}, ${policy}${dryRun ? ' (a dry run: nothing was deleted)' : ''}.`;
  const end = `${count(kept)} checkpoints stay${shared > 0 ? `, ${count(shared)} of them because another run uses them` : ''}.`;
  if (pruned.length === 0) return [title, 'There is nothing to delete.', end].join('\n');
  const rows = pruned.map(({ checkpointId, places, what, bytes, resumed }) => [
    shortId(checkpointId),
    ...placeCells(places).slice(1),
    resumed ? `${what}, begun earlier` : what,
    fileSize(bytes),
  ]);
  return [
    title,
    '',
    plainTable(['id', 'role', 'iteration', 'step', dryRun ? 'would go' : 'deleted', 'size'], rows, 5),
    '',
    `${fileSize(bytes)} ${dryRun ? 'would be freed' : 'freed, recorded in checkpoint_prunings'}. ${end}`,
  ].join('\n');
}

/** Enough digits for `checkpoint verify` and `model export`. */
const shortId = (checkpointId: string): string => checkpointId.slice(0, 12);

/** Run, role, iteration and step of the first use, and how many more there are. */
function placeCells(places: readonly CheckpointPlace[]): string[] {
  const [first, ...more] = places;
  if (!first) return ['–', '–', '–', '–'];
  const role = more.length > 0 ? `${first.role} (+${more.length})` : first.role;
  const isBase = first.role === 'base';
  const step = first.superseded ? `${first.step} (superseded)` : String(first.step);
  return [printable(first.runId), role, isBase ? '–' : String(first.iteration), isBase ? '–' : step];
}

function optimizerCell({ optimizerStep, hasOptimizer }: ListedCheckpoint): string {
  if (optimizerStep === 0) return 'none';
  return hasOptimizer ? 'kept' : 'gone';
}

function referencesCell(references: Record<string, number>): string {
  return count(Object.values(references).reduce((sum, rows) => sum + rows, 0));
}

function statusCell({ status, optimizerPruned, unfinished }: VerifiedCheckpoint): string {
  const notes = [...(optimizerPruned ? ['moments pruned'] : []), ...(unfinished ? ['deletion unfinished'] : [])];
  return notes.length > 0 ? `${status} (${notes.join(', ')})` : status;
}

function wrongFolder(dataDir: string, isNothingThere: boolean): string[] {
  if (!isNothingThere) return [];
  return [`None of them is in ${printable(dataDir)}: name the data directory of the workers with --data-dir.`];
}
