import { Option } from 'commander';
import type { Command } from 'commander';
import { FORMATS, KINDS, TAKES } from '../../../activities/export/kinds.ts';
import type { CommandRunner } from '../command-runner.ts';
import type { ExportOptions } from '../export.ts';
import { runName, withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

export function addExport(program: Command, runner: CommandRunner): void {
  withCommonOptions(program.command('export'))
    .summary('a run’s rows as files: JSON lines, Parquet, or a folder that Hugging Face datasets loads')
    .description(
      'Writes the finished iterations of a run to a folder, in shards, with a manifest of row counts and sha-256 sums. Each shard appears ' +
        'whole or not at all; an export that was interrupted goes on where it was when the same command is given again, checks what is ' +
        'there already, and ends with the same bytes as one that was not.',
    )
    .addOption(new Option('--run <name>', 'name of the run').argParser(runName).makeOptionMandatory())
    .addOption(
      new Option(
        '--what <rows>',
        '"dataset" (kept questions with labels), "rollouts" (Solver training with rewards), or "everything" (all tables)',
      )
        .choices(KINDS)
        .default('dataset'),
    )
    .addOption(new Option('--format <format>', '"hf" is Parquet with a data card').choices(FORMATS).default('hf'))
    .addOption(
      new Option('--takes <rows>', '"all": everything with the rows that resets have superseded, which they name')
        .choices(TAKES)
        .default('current'),
    )
    .option(
      '--output <folder>',
      'where to; empty, new, or of the same export (default: named after the run and these options, "./demo-dataset-hf")',
    )
    .option('--json', 'print one JSON object for a script', false)
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero export --run demo
  $ npx r-zero export --run demo --what rollouts --format parquet --output ./rollouts
  $ npx r-zero export --run demo --what everything --format jsonl
  $ npx r-zero export --run demo --what everything --format parquet --takes all`,
    )
    .action((options: CommonOptions & ExportOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { exportCommand } = await import('../export.ts');
        await exportCommand(options, terminal);
      }),
    );
}
