import type { Command } from 'commander';
import type { Budget } from '../../../activities/contract.ts';
import { budgetOption } from '../budget-text.ts';
import type { CommandRunner } from '../command-runner.ts';
import {
  controlOption,
  iterationsOption,
  modelOption,
  presetOption,
  promptsOption,
  runName,
  seedOption,
  withCommonOptions,
} from '../options.ts';
import type { CommonOptions } from '../options.ts';
import type { Steering } from '../run-steering.ts';

interface RunOptions extends CommonOptions {
  json: boolean;
}

interface StartOptions extends RunOptions {
  input?: string;
  runId?: string;
  seed?: number;
  iterations?: number;
  control?: string;
  preset?: string;
  model?: string;
  prompts?: string;
  budget?: Budget;
}

export function addRun(program: Command, runner: CommandRunner): void {
  const run = program
    .command('run')
    .summary('start, list and steer runs on a running stack')
    .description(
      'Works against the running servers of the data directory (`npx r-zero up`), or those that TEMPORAL_* and DATABASE_URL name.',
    );
  addStart(run, runner);
  addList(run, runner);
  addStatus(run, runner);
  addPauseAndResume(run, runner);
  addExtend(run, runner);
  addCancel(run, runner);
}

function withJson(command: Command): Command {
  return withCommonOptions(command).option('--json', 'print one JSON value for a script', false);
}

function addStart(run: Command, runner: CommandRunner): void {
  withJson(run.command('start'))
    .summary('start a run, or continue a known one')
    .description(
      'Starts a run and returns at once. A run id that is known continues from Postgres, whatever happened to its earlier ' +
        'workflow. Without options it is the demo run, under a new name.',
    )
    .option('--input <json>', 'the whole input as one JSON object, or @file; the options below are laid over it')
    .option('--run-id <name>', 'name of the run (default: made from the time)', runName)
    .addOption(seedOption())
    .addOption(iterationsOption('total number of iterations (default: 3)'))
    .addOption(controlOption())
    .addOption(presetOption())
    .addOption(modelOption('a folder, .gguf file, name or hub id on the worker (default: the built-in base model)'))
    .addOption(promptsOption())
    .addOption(budgetOption('this start of the run'))
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero run start --run-id first --iterations 2
  $ npx r-zero run start --input '{"labelling": {"votes": 16}, "gate": {"lower": 0.3, "upper": 0.8}}'
  $ npx r-zero run start --input @run.json --seed 7`,
    )
    .action((options: StartOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const [{ readRunInput }, { startRunCommand }] = await Promise.all([
          import('../run-input-text.ts'),
          import('../run-steering.ts'),
        ]);
        const { input, runId, seed, iterations, control, preset, model, prompts, budget } = options;
        const fields = {
          ...(runId === undefined ? {} : { runId }),
          ...(iterations === undefined ? {} : { iterations }),
          ...(budget === undefined ? {} : { budget }),
          seed,
          control,
          preset,
          model,
          prompts,
        };
        await startRunCommand(options, readRunInput(input, fields), terminal);
      }),
    );
}

function addList(run: Command, runner: CommandRunner): void {
  withJson(run.command('list'))
    .summary('list all runs of the database')
    .description(
      'All runs, the newest first: status, iterations done, held-out greedy accuracy and its gain in points.',
    )
    .addHelpText('after', '\nExamples:\n  $ npx r-zero run list\n  $ npx r-zero run list --json')
    .action((options: RunOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { listRunsCommand } = await import('../run-list.ts');
        await listRunsCommand(options, terminal);
      }),
    );
}

function addStatus(run: Command, runner: CommandRunner): void {
  withJson(run.command('status'))
    .summary('show one run: where it is, and its numbers by iteration')
    .argument('<runId>', 'name of the run', runName)
    .addHelpText('after', '\nExamples:\n  $ npx r-zero run status demo')
    .action((runId: string, options: RunOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { runStatusCommand } = await import('../run-status.ts');
        await runStatusCommand(options, runId, terminal);
      }),
    );
}

function addPauseAndResume(run: Command, runner: CommandRunner): void {
  const orders = [
    ['pause', 'pause a run after the shard or step at work'],
    ['resume', 'have a paused run go on, or try again what parked it'],
  ] as const;
  for (const [order, summary] of orders) {
    withJson(run.command(order))
      .summary(summary)
      .argument('<runId>', 'name of the run', runName)
      .option('--reason <text>', 'shown in the Temporal UI')
      .addHelpText('after', `\nExamples:\n  $ npx r-zero run ${order} demo`)
      .action((runId: string, options: RunOptions & { reason?: string }) =>
        steer(runner, options, runId, { order, ...(options.reason === undefined ? {} : { reason: options.reason }) }),
      );
  }
}

function addExtend(run: Command, runner: CommandRunner): void {
  withJson(run.command('extend'))
    .summary('plan more iterations; a finished run is continued')
    .argument('<runId>', 'name of the run', runName)
    .addOption(iterationsOption('new total number of iterations (default: one more than planned)'))
    .addHelpText('after', '\nExamples:\n  $ npx r-zero run extend demo --iterations 5')
    .action((runId: string, options: RunOptions & { iterations?: number }) =>
      steer(runner, options, runId, {
        order: 'extend',
        ...(options.iterations === undefined ? {} : { iterations: options.iterations }),
      }),
    );
}

function addCancel(run: Command, runner: CommandRunner): void {
  withJson(run.command('cancel'))
    .summary('end a run: at once, or after its present phase')
    .description(
      'Ends the workflow of a run and keeps all that is stored: starting the run id again continues it. At once, the shard ' +
        'or step at work is given up.',
    )
    .argument('<runId>', 'name of the run', runName)
    .option('--after-phase', 'let the phase at work end first', false)
    .option('--reason <text>', 'with --after-phase: shown in the Temporal UI and kept in the run')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx r-zero run cancel demo\n  $ npx r-zero run cancel demo --after-phase --reason "the GPU is needed"',
    )
    .action((runId: string, options: RunOptions & { afterPhase: boolean; reason?: string }, command: Command) => {
      const { afterPhase, reason } = options;
      // Temporal's own cancellation carries none.
      if (reason !== undefined && !afterPhase) command.error('error: --reason needs --after-phase');
      return steer(runner, options, runId, {
        order: 'cancel',
        afterPhase,
        ...(reason === undefined ? {} : { reason }),
      });
    });
}

async function steer(runner: CommandRunner, options: RunOptions, runId: string, steering: Steering): Promise<void> {
  await runner.run(options, options.json, async (terminal) => {
    const { steerRunCommand } = await import('../run-steering.ts');
    await steerRunCommand(options, runId, steering, terminal);
  });
}
