import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import {
  controlOption,
  iterationsOption,
  modelOption,
  presetOption,
  promptsOption,
  runName,
  seedOption,
  withCommonOptions,
} from '../options.ts';
import type { CommonOptions } from '../options.ts';

interface Options extends CommonOptions {
  seed?: number;
  iterations?: number;
  control?: string;
  preset?: string;
  model?: string;
  prompts?: string;
  runId?: string;
  input?: string;
  json: boolean;
  keepRunning: boolean;
}

export function addDemo(program: Command, runner: CommandRunner): void {
  withCommonOptions(program.command('demo'))
    .summary('run R-Zero end to end and show what it did (npm start)')
    .description(
      'Brings up Postgres, Temporal and a worker, starts the demo run or continues it, shows its progress and its result, ' +
        'and stops the servers again. Stop it at any time: the next start goes on from the last finished shard or step.',
    )
    .addOption(modelOption('one small iteration on this model instead: a name, folder, .gguf file or imported hub id'))
    .addOption(promptsOption())
    .addOption(seedOption())
    .addOption(iterationsOption('total number of iterations (default: 3, with --model 1; or what the run has)'))
    .addOption(controlOption())
    .addOption(presetOption())
    .option('--run-id <name>', 'name of the run (default: "demo", with what makes it another experiment)', runName)
    .option('--input <json>', 'fields of the run’s input as JSON, or @file; the options above are laid over it')
    .option('--keep-running', 'leave the servers and the worker on after the result, until Ctrl-C', false)
    .option('--json', 'print the result as one JSON object, the last line of standard output', false)
    .addHelpText(
      'after',
      `
Examples:
  $ npm start                                     three iterations with seed 1
  $ npm start -- --seed 2                         the same experiment with other random numbers
  $ npm start -- --model smollm2-135m             one small iteration on a real model, fetched when it is not there
  $ npm start -- --control random-reward          what happens when rewards mean nothing
  $ npm start -- --iterations 5                   continue the run to five iterations
  $ npm start -- --json | tail -n 1               the result for a script`,
    )
    .action((options: Options) =>
      runner.run(options, options.json, async (terminal) => {
        const { demo } = await import('../demo.ts');
        await demo(options, terminal);
      }),
    );
}
