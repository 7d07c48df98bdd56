import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import { withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

export function addDoctor(program: Command, runner: CommandRunner): void {
  withCommonOptions(program.command('doctor'))
    .summary('say what is here, what is missing, and how to mend it')
    .description(
      'Checks Node, dependencies, Python, compiler, TensorFlow, Temporal, Postgres, disk space and model files. Downloads and starts ' +
        'nothing. Exit code 0 when everything needed is there.',
    )
    .option('--json', 'print the report as one JSON object', false)
    .addHelpText('after', '\nExamples:\n  $ npx r-zero doctor\n  $ npx r-zero doctor --json')
    .action((options: CommonOptions & { json: boolean }) =>
      runner.run(options, options.json, async () => {
        const { doctor } = await import('../doctor.ts');
        return await doctor({ dataDir: options.dataDir, json: options.json });
      }),
    );
}
