import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import { withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

export function addMigrate(program: Command, runner: CommandRunner): void {
  withCommonOptions(program.command('migrate'))
    .summary('bring the database schema up to date')
    .description(
      'Creates or upgrades the schema r_zero in DATABASE_URL, or in the data directory’s own Postgres, which is started for as ' +
        'long as this takes. Safe to run at any time, and by several at once.',
    )
    .addHelpText('after', '\nExamples:\n  $ DATABASE_URL=postgresql://user@host/database npx r-zero migrate')
    .action((options: CommonOptions) =>
      runner.run(options, false, async (terminal) => {
        const [{ withDatabase }, { migrate }, { stackReporter }] = await Promise.all([
          import('../database-access.ts'),
          import('../../../db/migrate.ts'),
          import('../stack-session.ts'),
        ]);
        const access = { dataDir: options.dataDir, onEvent: stackReporter(terminal), create: true };
        const { applied, missingRoles } = await withDatabase(access, ({ pool }) => migrate(pool));
        terminal.out(
          applied === 0
            ? 'The database schema is up to date.'
            : `The database schema is up to date (${applied} migrations applied).`,
        );
        if (missingRoles.length === 0) return;
        terminal.note(
          `This user may not create the roles ${missingRoles.join(' and ')}, which are optional: have an administrator run ` +
            `${missingRoles.map((role) => `\`create role ${role} nologin;\``).join(' and ')}, then migrate once more to give them their rights.`,
        );
      }),
    );
}
