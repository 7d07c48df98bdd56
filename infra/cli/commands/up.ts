import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import { telemetryEnvironment, withCommonOptions, withTelemetryOptions } from '../options.ts';
import type { CommonOptions, TelemetryChoice } from '../options.ts';

export function addUp(program: Command, runner: CommandRunner): void {
  withTelemetryOptions(withCommonOptions(program.command('up')))
    .summary('start Postgres, Temporal and a worker, and keep them up')
    .description(
      'Starts the servers of the data directory (or uses those that DATABASE_URL and TEMPORAL_ADDRESS name) and a worker, ' +
        'prints their addresses, starts again what dies, and stops everything at Ctrl-C.',
    )
    .option('--no-worker', 'start the servers alone')
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero up
  $ npx r-zero up --metrics 127.0.0.1:9464
  $ R_ZERO_TEMPORAL_UI_PORT=8233 npx r-zero up     with a port of your choice`,
    )
    .action((options: CommonOptions & TelemetryChoice & { worker: boolean }) =>
      runner.run(options, false, async (terminal) => {
        const { up } = await import('../up.ts');
        await up({ ...options, workerSettings: telemetryEnvironment(options) }, terminal);
      }),
    );
}
