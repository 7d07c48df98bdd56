/** `r-zero audit label`: a person says of a sample of labels whether they are true, a key each. */
import { createInterface } from 'node:readline/promises';
import { RZeroError } from '../../activities/errors.ts';
import { labelsToJudge, openAnnotator, storeHumanVerdict } from '../../activities/oracles/human.ts';
import type { HumanVerdict, LabelToJudge } from '../../activities/oracles/human.ts';
import { assertSchemaCurrent } from '../../db/migrate.ts';
import { labelledIterations, readLabelAccuracy } from '../../db/queries/oracles.ts';
import { getRun } from '../../db/queries/runs.ts';
import { packageVersion } from '../package-info.ts';
import { chosenIterations } from './audit-judge.ts';
import { withDatabase } from './database-access.ts';
import { catchInterrupts } from './interrupts.ts';
import { renderLabelAccuracy } from './label-accuracy-text.ts';
import { Interrupted } from './report-error.ts';
import { stackReporter } from './stack-session.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface LabelOptions {
  dataDir: string;
  run: string;
  annotator: string;
  /** Labels an iteration. */
  questions: number;
  iteration?: number;
}

const HELP = 'y true · n false · s cannot tell · = ANSWER gives the right one · q ends; what was said is stored';

export async function labelCommand(
  options: LabelOptions,
  terminal: Terminal,
  input: NodeJS.ReadableStream = process.stdin,
): Promise<void> {
  const { dataDir, run: runId, questions, iteration } = options;
  const annotator = nameOf(options.annotator);
  const interrupts = catchInterrupts(() => terminal.note('\nStopping; what was said is stored.'));
  try {
    await withDatabase({ dataDir, onEvent: stackReporter(terminal) }, async ({ pool }) => {
      await assertSchemaCurrent(pool);
      const run = await getRun(pool, runId);
      const iterations = chosenIterations(runId, await labelledIterations(pool, runId), iteration);
      const oracle = await openAnnotator(pool, runId, annotator, packageVersion());
      const { open, drawn } = await labelsToJudge(pool, run, oracle, iterations, questions);
      const done = drawn - open.length;
      if (open.length > 0) {
        terminal.out(`${open.length} of ${drawn} labels of run ${runId} wait for ${printable(annotator)}.`);
        terminal.out(terminal.style('dim', HELP));
        await askAbout(open, done, drawn, terminal, input, interrupts.signal, async (label, verdict, seconds) => {
          await storeHumanVerdict(pool, run, oracle, label, verdict, seconds);
        });
      } else terminal.out(`${printable(annotator)} has looked at all ${drawn} labels of the sample.`);
      const estimates = (await readLabelAccuracy(pool, runId)).filter((row) => row.oracle === oracle.oracle);
      if (estimates.length > 0) terminal.out(`\nIntervals of 95 %:\n${renderLabelAccuracy(estimates)}`);
    });
  } finally {
    interrupts.release();
  }
}

/** One label after the other, until all are judged, the input ends, or the person ends it. */
async function askAbout(
  open: readonly LabelToJudge[],
  done: number,
  drawn: number,
  terminal: Terminal,
  input: NodeJS.ReadableStream,
  signal: AbortSignal,
  store: (label: LabelToJudge, verdict: HumanVerdict, seconds: number) => Promise<void>,
): Promise<void> {
  const lines = createInterface({ input });
  const stop = (): void => lines.close();
  signal.addEventListener('abort', stop);
  const answers = lines[Symbol.asyncIterator]();
  try {
    for (const [index, label] of open.entries()) {
      terminal.out(`\n${render(label, done + index + 1, drawn, terminal)}`);
      const started = performance.now();
      for (;;) {
        terminal.stream.write('> ');
        const { value, done: isOver } = await answers.next();
        signal.throwIfAborted();
        if (isOver) return;
        const verdict = readVerdict(value);
        if (verdict === 'quit') return;
        if (verdict) {
          await store(label, verdict, (performance.now() - started) / 1000);
          break;
        }
        terminal.out(HELP);
      }
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    terminal.out();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    lines.close();
  }
}

/** What models wrote is shown with its control characters as escapes: it can neither move the cursor nor hide. */
function render(label: LabelToJudge, number: number, of: number, terminal: Terminal): string {
  const { iteration, question, majority, total } = label;
  const lines = (text: string): string => text.split(/\r?\n/).map(printable).join('\n  ');
  return [
    terminal.style('dim', `${number} of ${of}, iteration ${iteration}, ${majority} of ${total} votes`),
    `  ${lines(question)}`,
    `  ${terminal.style('bold', `Label: ${printable(label.label)}`)}`,
  ].join('\n');
}

/** @returns undefined for what is no verdict */
export function readVerdict(line: string): HumanVerdict | 'quit' | undefined {
  const text = line.trim();
  if (/^(?:y|yes)$/i.test(text)) return { agrees: true };
  if (/^(?:n|no)$/i.test(text)) return { agrees: false };
  if (/^(?:s|skip)$/i.test(text)) return { agrees: null };
  if (/^(?:q|quit)$/i.test(text)) return 'quit';
  const truth = /^=\s*(\S.*)$/.exec(text)?.[1];
  return truth === undefined ? undefined : { truth };
}

function nameOf(annotator: string): string {
  const name = annotator.trim();
  if (name !== '' && name.length <= 100 && printable(name) === name) return name;
  throw new RZeroError('RunInputInvalid', 'The annotator has no usable name.', {
    field: '--annotator',
    fix: 'Give a name of at most 100 characters: --annotator "Ada Lovelace".',
  });
}
