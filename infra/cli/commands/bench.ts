import { Option } from 'commander';
import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import { modelOption, wholeNumber, withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

interface BenchOptions extends CommonOptions {
  json: boolean;
  model: string;
  seconds: number;
}

export function addBench(program: Command, runner: CommandRunner): void {
  const bench = program
    .command('bench')
    .summary('measure how fast this machine is')
    .description('Measurements that help to choose counts and lengths of a run.');
  withCommonOptions(bench.command('engine'))
    .summary('tokens per second of sampling, scoring and training')
    .addOption(
      modelOption('"builtin", a folder, a name, a hub id that was imported, or the id of a checkpoint').default(
        'builtin',
      ),
    )
    .addOption(
      new Option('--seconds <number>', 'about how long; every measurement is made at least once')
        .default(30)
        .argParser(wholeNumber(1, 3600)),
    )
    .option('--json', 'print one JSON value for a script', false)
    .description(
      'Opens a model as a worker does and measures prefill, decoding at batch 1, 16 and 64, scoring and training, by the clock. The ' +
        'model is not changed. Threads: TF_NUM_INTRAOP_THREADS; backend: R_ZERO_TENSORFLOW, R_ZERO_ENGINE_EXECUTION.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx r-zero bench engine\n  $ npx r-zero bench engine --model smollm2-135m --seconds 60 --json',
    )
    .action((options: BenchOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const [{ benchEngine, formatEngineBench }, { resolveModel }, { provisionNatives }, { catchInterrupts }] =
          await Promise.all([
            import('../bench-engine.ts'),
            import('../../models/resolve.ts'),
            import('../../setup/provision.ts'),
            import('../interrupts.ts'),
          ]);
        const path = await resolveModel(options.model, options.dataDir);
        await provisionNatives(['tensorflow']);
        const interrupts = catchInterrupts(() => terminal.note('Stopping …'));
        try {
          const { seconds } = options;
          const { signal } = interrupts;
          const onStage = (stage: string): void => terminal.note(`… ${stage}`);
          const report = await benchEngine({ path, seconds, signal, ...(terminal.live ? { onStage } : {}) });
          if (options.json) terminal.out(JSON.stringify(report));
          else for (const line of formatEngineBench(report)) terminal.out(line);
        } catch (error) {
          interrupts.signal.throwIfAborted();
          throw error;
        } finally {
          interrupts.release();
        }
      }),
    );
}
