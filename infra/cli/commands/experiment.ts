import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import type { ExperimentChoices } from '../experiment.ts';
import { iterationsOption, runName, wholeNumber, withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

interface ExperimentCommandOptions extends CommonOptions {
  json: boolean;
}

type RunOptions = ExperimentCommandOptions & ExperimentChoices;

export function addExperiment(program: Command, runner: CommandRunner): void {
  const experiment = program
    .command('experiment')
    .summary('compare settings over seeds')
    .description(
      'A grid of settings × seeds, each cell a run of its own, by the workflow rZeroExperiment. Without a file: the default and the ' +
        'paper preset and every control, three seeds, six iterations, on the built-in base model.',
    );
  addRun(experiment, runner);
  addStart(experiment, runner);
  addShow(experiment, runner);
  addList(experiment, runner);
}

function withJson(command: Command): Command {
  return withCommonOptions(command).option('--json', 'print one JSON value for a script', false);
}

function withChoices(command: Command): Command {
  return withJson(command)
    .argument('[file]', 'definition, as JSON: settings, base, seeds, iterations, concurrency (default: the ablations)')
    .option('--name <name>', 'of the experiment (default: that of the file, else "ablations")', runName)
    .option('--seeds <list>', 'such as 1,2,3', seedList)
    .addOption(iterationsOption('of each run (default: 6)'))
    .option('--concurrency <number>', 'runs at a time (default: 1)', wholeNumber(1, 100));
}

function addRun(experiment: Command, runner: CommandRunner): void {
  withChoices(experiment.command('run'))
    .summary('run one to its end, with servers and a worker of its own')
    .description(
      'Stop it at any time: the same command goes on. New settings and seeds of a known experiment are added to it.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero experiment run --seeds 1 --iterations 2
  $ npx r-zero experiment run gates.json

gates.json:
  {"experimentId": "gates", "seeds": [1, 2, 3], "settings": {"plain": {}, "strict": {"gate": {"lower": 0.5}}}}`,
    )
    .action((file: string | undefined, options: RunOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { readExperiment, runExperimentCommand } = await import('../experiment.ts');
        await runExperimentCommand(options, await readExperiment(file, choicesOf(options)), terminal);
      }),
    );
}

function addStart(experiment: Command, runner: CommandRunner): void {
  withChoices(experiment.command('start'))
    .summary('start one on running servers and return at once')
    .addHelpText('after', '\nExamples:\n  $ npx r-zero experiment start gates.json')
    .action((file: string | undefined, options: RunOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { readExperiment, startExperimentCommand } = await import('../experiment.ts');
        await startExperimentCommand(options, await readExperiment(file, choicesOf(options)), terminal);
      }),
    );
}

function addShow(experiment: Command, runner: CommandRunner): void {
  withJson(experiment.command('show'))
    .summary('what it has come to, so far')
    .argument('[name]', 'the experiment', runName, 'ablations')
    .option('--markdown', 'print the table for a document', false)
    .addHelpText('after', '\nExamples:\n  $ npx r-zero experiment show gates')
    .action((name: string, options: ExperimentCommandOptions & { markdown: boolean }) =>
      runner.run(options, options.json, async (terminal) => {
        const { showExperimentCommand } = await import('../experiment.ts');
        await showExperimentCommand(options, name, terminal);
      }),
    );
}

function addList(experiment: Command, runner: CommandRunner): void {
  withJson(experiment.command('list'))
    .summary('list the experiments')
    .addHelpText('after', '\nExamples:\n  $ npx r-zero experiment list')
    .action((options: ExperimentCommandOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { listExperimentsCommand } = await import('../experiment.ts');
        await listExperimentsCommand(options, terminal);
      }),
    );
}

const choicesOf = ({ name, seeds, iterations, concurrency }: RunOptions): ExperimentChoices => ({
  ...(name === undefined ? {} : { name }),
  ...(seeds === undefined ? {} : { seeds }),
  ...(iterations === undefined ? {} : { iterations }),
  ...(concurrency === undefined ? {} : { concurrency }),
});

function seedList(text: string): number[] {
  const seeds = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  if (seeds.every((seed) => Number.isSafeInteger(seed))) return seeds;
  throw new InvalidArgumentError('Whole numbers from 0 on, with commas between them.');
}
