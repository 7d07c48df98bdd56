import { Argument } from 'commander';
import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import { withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

const PARTS = ['tensorflow', 'temporal', 'postgres'] as const;

export function addSetup(program: Command, runner: CommandRunner): void {
  withCommonOptions(program.command('setup'))
    .summary('fetch what npm does not carry, so that later starts need no network')
    .addArgument(
      new Argument('[parts...]', 'what to fetch; without it, everything that a start would').choices([...PARTS]),
    )
    .description(
      'Makes native TensorFlow, the Temporal server and the embedded Postgres ready, as the first `up`, `demo` or `worker` would. ' +
        'For images, and for workers of your own: those take what they find. Servers that DATABASE_URL and TEMPORAL_ADDRESS name ' +
        'are not fetched.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx r-zero setup\n  $ npx r-zero setup tensorflow     a machine that runs models only',
    )
    .action((parts: (typeof PARTS)[number][], options: CommonOptions) =>
      runner.run(options, false, async (terminal) => {
        const { provisionNatives } = await import('../../setup/provision.ts');
        await provisionNatives(parts.length > 0 ? parts : PARTS);
        terminal.out('Set-up is complete; `npx r-zero doctor` tells what will run.');
      }),
    );
}
