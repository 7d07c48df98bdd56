import { dataDirArguments, demoArguments, demoCommand } from './demo-run.ts';
import type { DemoChoices } from './demo-run.ts';
import type { RunFacts } from './run-snapshot.ts';
import type { Paint } from './terminal.ts';

/** What to look at and to try after a run, each with the line to type. Run ids are letters, digits, `.`, `_` and `-`. */
export function nextSteps(
  run: Pick<RunFacts, 'runId' | 'iterations' | 'seed' | 'control'>,
  choices: DemoChoices,
  dataDir: string,
  paint: Paint,
): string {
  const place = dataDirArguments(dataDir)
    .map((word) => ` ${word}`)
    .join('');
  const again = (change: Partial<DemoChoices>) => demoCommand(demoArguments(choices, dataDir, change));
  const steps: [string, string][] = [
    ['Temporal UI', `npx r-zero up${place}   (starts the servers again and prints the address)`],
    ['SQL prompt', `npx r-zero sql${place}`],
    [
      'The training set',
      `npx r-zero sql${place} "select iteration, question, label, p_hat from r_zero.dataset where run_id = '${run.runId}' order by 1, dataset_index limit 10"`,
    ],
    [
      'Why the rest was dropped',
      `npx r-zero sql${place} "select iteration, stage, reason, questions from r_zero.funnel_reasons where run_id = '${run.runId}' order by 1, 4 desc"`,
    ],
    ['More iterations', again({ iterations: run.iterations + 1 })],
    ['Another seed', again({ seed: run.seed + 1, runId: undefined })],
    ...(run.control === 'none'
      ? ([['Control: random rewards', again({ control: 'random-reward', runId: undefined })]] satisfies [
          string,
          string,
        ][])
      : []),
  ];
  const width = Math.max(...steps.map(([name]) => name.length));
  return [paint('bold', 'Look further'), ...steps.map(([name, line]) => `  ${name.padEnd(width)}  ${line}`)].join('\n');
}
