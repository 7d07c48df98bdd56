import { Option } from 'commander';
import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import type { RecomputeOptions } from '../recompute.ts';
import { presetOption, runName, withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

export function addRecompute(program: Command, runner: CommandRunner): void {
  withCommonOptions(program.command('recompute'))
    .summary('votes, rewards and decisions of a stored run under another preset')
    .description(
      'Applies the method once more to the texts that a run has stored, and tells what would be different: parsing, votes, rewards, ' +
        'gate decisions. The result is stored as rows of a new version beside the run’s own; nothing is overwritten and the run ' +
        'does not notice. Without --preset it is the run’s own preset as this version of the code has it.',
    )
    .addOption(new Option('--run <name>', 'name of the run').argParser(runName).makeOptionMandatory())
    .addOption(presetOption('formulas of the method (default: the run’s own)'))
    .option('--dry-run', 'tell what would change, store nothing', false)
    .option('--json', 'print one JSON object for a script', false)
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero recompute --run demo --dry-run
  $ npx r-zero recompute --run demo --preset paper
  $ npx r-zero sql "select * from recomputed_decisions where run_id = 'demo' and change = 'changed'"`,
    )
    .action((options: CommonOptions & RecomputeOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { recomputeCommand } = await import('../recompute.ts');
        await recomputeCommand(options, terminal);
      }),
    );
}
