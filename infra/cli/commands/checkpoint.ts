import { Argument, InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { KeepPolicy } from '../../../activities/retention/select.ts';
import type { CommandRunner } from '../command-runner.ts';
import { runName, withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

interface CheckpointOptions extends CommonOptions {
  run?: string;
  json: boolean;
}

export function addCheckpoint(program: Command, runner: CommandRunner): void {
  const checkpoint = program
    .command('checkpoint')
    .summary('list, verify and prune the models that runs have written')
    .description(
      'A run writes a checkpoint after every training step: weights, tokenizer and, two thirds of it, the optimizer’s moments. After ' +
        'each iteration the run keeps what its input says (checkpoints.keep: iterations, last or all). Checkpoints lie in the data directory of the workers: give it with --data-dir when it is not the default.',
    );
  addList(checkpoint, runner);
  addVerify(checkpoint, runner);
  addPrune(checkpoint, runner);
}

function withJson(command: Command): Command {
  return withCommonOptions(command).option('--json', 'print one JSON value for a script', false);
}

const runOption = (text: string): Option => new Option('--run <name>', text).argParser(runName);

function addList(checkpoint: Command, runner: CommandRunner): void {
  withJson(checkpoint.command('list'))
    .summary('every checkpoint: of which run and step, how large, on disk or pruned, what refers to it')
    .description('Looks at files without hashing them; `verify` hashes.')
    .addOption(runOption('of this run only'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx r-zero checkpoint list\n  $ npx r-zero checkpoint list --run demo --json',
    )
    .action((options: CheckpointOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { listCommand } = await import('../checkpoint.ts');
        await listCommand(options, terminal);
      }),
    );
}

function addVerify(checkpoint: Command, runner: CommandRunner): void {
  withJson(checkpoint.command('verify'))
    .summary('hash every file again and name those that are missing or differ')
    .addArgument(new Argument('[id...]', 'ids, or their first four or more digits (default: all)').argParser(addId))
    .description(
      'Holds files, manifests and rows against each other, and names what else lies beside the checkpoints. Changes nothing. Exit ' +
        'code 1 when anything is missing or corrupt; what was pruned is neither.',
    )
    .addOption(runOption('checkpoints of this run only'))
    .addHelpText('after', '\nExamples:\n  $ npx r-zero checkpoint verify\n  $ npx r-zero checkpoint verify 3f9a01c2')
    .action((ids: string[] | undefined, options: CheckpointOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { verifyCommand } = await import('../checkpoint.ts');
        return verifyCommand(ids ?? [], options, terminal);
      }),
    );
}

function addPrune(checkpoint: Command, runner: CommandRunner): void {
  withJson(checkpoint.command('prune'))
    .summary('delete what a run no longer needs, and record it')
    .description(
      'Never deletes the base model, the newest Challenger and Solver with their moments, where the iteration in work began, what ' +
        'another run uses, or, while a workflow may be advancing the run, anything of the iteration in work. Of the rest it keeps what ' +
        '--keep says, without the moments, which only a step of the same phase would read. Every deletion is a row of ' +
        'checkpoint_prunings before the first file goes; one that was interrupted is completed by the next.',
    )
    .addOption(runOption('name of the run').makeOptionMandatory())
    .addOption(
      new Option(
        '--keep <what>',
        'weights to keep: "iterations" (the end of each), "every:N" (of every Nth), or "last"',
      )
        .argParser(keepPolicy)
        .default({ kind: 'iterations' } satisfies KeepPolicy, '"iterations"'),
    )
    .addOption(new Option('--optimizer-only', 'delete moments only, keep all weights').default(false).conflicts('keep'))
    .option('--dry-run', 'tell what would be deleted, delete nothing', false)
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero checkpoint prune --run demo --dry-run
  $ npx r-zero checkpoint prune --run demo --optimizer-only
  $ npx r-zero checkpoint prune --run demo --keep every:5`,
    )
    .action((options: CheckpointOptions & { run: string; keep: KeepPolicy; optimizerOnly: boolean; dryRun: boolean }) =>
      runner.run(options, options.json, async (terminal) => {
        const { pruneCommand } = await import('../checkpoint.ts');
        await pruneCommand(options, terminal);
      }),
    );
}

function addId(text: string, before: string[] | undefined): string[] {
  if (/^[0-9a-f]{4,64}$/.test(text)) return [...(before ?? []), text];
  throw new InvalidArgumentError('An id is 64 hexadecimal digits; its first four or more will do.');
}

function keepPolicy(text: string): KeepPolicy {
  if (text === 'iterations' || text === 'last') return { kind: text };
  const every = /^every:([1-9]\d{0,3})$/.exec(text);
  if (every) return { kind: 'every', iterations: Number(every[1]) };
  throw new InvalidArgumentError('Use "iterations", "last", or "every:N" with N from 1 to 9999.');
}
