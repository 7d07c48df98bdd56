import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import { telemetryEnvironment, withCommonOptions, withTelemetryOptions } from '../options.ts';
import type { CommonOptions, TelemetryChoice } from '../options.ts';

export function addWorker(program: Command, runner: CommandRunner): void {
  withTelemetryOptions(withCommonOptions(program.command('worker')))
    .summary('run a worker alone, against servers that run already')
    .description(
      'Polls the task queues r-zero (workflows and database work) and r-zero-gpu (models, one at a time). Uses DATABASE_URL and ' +
        'TEMPORAL_* when they are set, else the running servers of the data directory. Ends gracefully at SIGTERM and Ctrl-C.',
    )
    .addHelpText(
      'after',
      `
Environment:
  DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE   servers of your own
  R_ZERO_ROLE              all, orchestrator or gpu (default: all)
  R_ZERO_TASK_QUEUE        first task queue; the other one has -gpu appended (default: r-zero)

Examples:
  $ npx r-zero worker
  $ R_ZERO_ROLE=gpu DATABASE_URL=… TEMPORAL_ADDRESS=… npx r-zero worker --data-dir /mnt/shared/r-zero`,
    )
    .action((options: CommonOptions & TelemetryChoice) =>
      runner.run(options, false, async () => {
        const { worker } = await import('../worker.ts');
        return await worker(options.dataDir, telemetryEnvironment(options));
      }),
    );
}
