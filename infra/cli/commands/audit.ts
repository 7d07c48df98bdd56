import { Option } from 'commander';
import type { Command } from 'commander';
import type { AuditOptions } from '../audit.ts';
import type { CommandRunner } from '../command-runner.ts';
import { runName, wholeNumber, withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

export function addAudit(program: Command, runner: CommandRunner): void {
  const audit = program.command('audit').summary('is a stored run what it was when it was written?');
  withCommonOptions(audit.command('verify'))
    .summary('hold a run’s rows and files against everything that can be known of them otherwise')
    .description(
      'Hashes the checkpoints again; compares texts with their tokens and seeds with their places; makes votes, rewards, decisions, ' +
        'evaluations and audits again under the run’s own preset; looks for rows that are missing or lead nowhere; and has the engine ' +
        'generate samples once more from their seeds, each with the whole request that it was sampled in, which must come out bit by bit. ' +
        'Changes nothing and needs no right to write. Exit code 1 when anything is not as it should be. What rests on a row that is ' +
        'reported is taken as it is stored, so that one altered row is one finding. Pruned checkpoints are no findings.',
    )
    .addOption(new Option('--run <name>', 'name of the run').argParser(runName).makeOptionMandatory())
    .addOption(
      new Option('--samples <number>', 'samples to generate again, drawn from all of the run')
        .argParser(wholeNumber(1, 1_000_000))
        .default(16),
    )
    .addOption(
      new Option('--seed <number>', 'decides which samples are drawn')
        .argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER))
        .default(1),
    )
    .option('--no-replay', 'generate nothing again')
    .option('--json', 'print one JSON object for a script', false)
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero audit verify --run demo
  $ npx r-zero audit verify --run demo --samples 200 --seed 7
  $ npx r-zero audit verify --run demo --no-replay --json`,
    )
    .action((options: CommonOptions & AuditOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { auditCommand } = await import('../audit.ts');
        return auditCommand(options, terminal);
      }),
    );
}
