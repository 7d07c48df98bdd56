/** `r-zero audit judge`. */
import { RZeroError } from '../../activities/errors.ts';
import { KEY_VARIABLE } from '../../activities/oracles/chat-client.ts';
import { judgeLabels, judgeName } from '../../activities/oracles/judge.ts';
import type { JudgeReport } from '../../activities/oracles/judge.ts';
import { judgeFields } from '../../activities/oracles/settings.ts';
import type { JudgeSettings } from '../../activities/oracles/settings.ts';
import type { RunConfig } from '../../activities/run-input.ts';
import { assertSchemaCurrent } from '../../db/migrate.ts';
import { labelledIterations, readLabelAccuracy } from '../../db/queries/oracles.ts';
import { getRun } from '../../db/queries/runs.ts';
import { packageVersion } from '../package-info.ts';
import { withDatabase } from './database-access.ts';
import { catchInterrupts } from './interrupts.ts';
import { renderLabelAccuracy } from './label-accuracy-text.ts';
import { count } from './numbers.ts';
import { progressLine } from './progress-line.ts';
import { stackReporter } from './stack-session.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export type JudgeOptions = Partial<JudgeSettings> & {
  dataDir: string;
  run: string;
  /** All labelled ones when omitted. */
  iteration?: number;
  json: boolean;
};

export async function judgeCommand(options: JudgeOptions, terminal: Terminal): Promise<void> {
  const { dataDir, run: runId, iteration: only, json } = options;
  const interrupts = catchInterrupts(() => terminal.note('Stopping; what the judge has said is stored.'));
  try {
    await withDatabase({ dataDir, onEvent: stackReporter(terminal) }, async ({ pool }) => {
      await assertSchemaCurrent(pool);
      const run = await getRun(pool, runId);
      const settings = settingsOf(options, run.config as RunConfig);
      const iterations = chosenIterations(runId, await labelledIterations(pool, runId), only);
      const reports: (JudgeReport & { iteration: number })[] = [];
      for (const iteration of iterations) {
        const report = await judgeLabels(pool, {
          run,
          iteration,
          settings,
          apiKey: process.env[KEY_VARIABLE],
          codeVersion: packageVersion(),
          signal: interrupts.signal,
          ...(terminal.live
            ? { onProgress: ({ asked, of }) => progressLine(terminal, `iteration ${iteration}: ${asked} of ${of}`) }
            : {}),
        });
        reports.push({ iteration, ...report });
      }
      if (terminal.live) progressLine(terminal, '');
      const oracle = judgeName(settings);
      const estimates = (await readLabelAccuracy(pool, runId)).filter(
        (row) => row.oracle === oracle && iterations.includes(row.iteration),
      );
      if (json) {
        terminal.out(JSON.stringify({ runId, oracle, iterations: reports, estimates }));
        return;
      }
      terminal.out(`${printable(oracle)} on run ${runId}, intervals of 95 %:\n${renderLabelAccuracy(estimates)}\n`);
      terminal.out(closingLine(reports));
    });
  } finally {
    interrupts.release();
  }
}

/** Options over the run's own judge, if it has one. */
function settingsOf(options: JudgeOptions, { oracles }: RunConfig): JudgeSettings {
  const names = Object.keys(judgeFields.shape) as (keyof JudgeSettings)[];
  const given = Object.fromEntries(
    names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
  const parsed = judgeFields.safeParse({ ...oracles?.judge, ...given });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue!.path.join('.');
  const flag = `--${field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new RZeroError('RunInputInvalid', `The judge cannot be asked: ${flag}: ${issue!.message}.`, {
    field: flag,
    fix: 'Name its server and model: --base-url http://127.0.0.1:8000/v1 --model NAME.',
  });
}

/** @throws RZeroError `RunInputInvalid` when there is nothing to ask about */
export function chosenIterations(runId: string, labelled: readonly number[], only: number | undefined): number[] {
  const chosen = only === undefined ? [...labelled] : labelled.filter((iteration) => iteration === only);
  if (chosen.length > 0) return chosen;
  const which = only === undefined ? 'any iteration' : `iteration ${only}`;
  throw new RZeroError('RunInputInvalid', `Run "${runId}" has not labelled ${which} yet.`, {
    field: '--iteration',
    fix: 'Ask when its labelling is finished: `npx r-zero run status` tells how far it is.',
  });
}

function closingLine(reports: readonly JudgeReport[]): string {
  const sum = (name: 'stored' | 'asked' | 'unasked' | 'calls' | 'tokens') =>
    reports.reduce((total, report) => total + report[name], 0);
  const left = sum('unasked');
  return (
    `${count(sum('asked'))} labels judged now, ${count(sum('stored'))} before: ${count(sum('calls'))} calls, ${count(sum('tokens'))} tokens.` +
    (left === 0 ? '' : ` The budget is spent; ${count(left)} of the sample were not asked about.`)
  );
}
