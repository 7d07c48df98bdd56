import { Option } from 'commander';
import type { Command } from 'commander';
import type { Budget, Phase } from '../../../activities/contract.ts';
import { PHASE_ORDER } from '../../../activities/phases.ts';
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
  wholeNumber,
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
  addRetry(run, runner);
  addReset(run, runner);
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
  withJson(run.command('pause'))
    .summary('pause a run after the shard or step at work')
    .argument('<runId>', 'name of the run', runName)
    .option('--reason <text>', 'shown in the Temporal UI')
    .addHelpText('after', `\nExamples:\n  $ npx r-zero run pause demo`)
    .action((runId: string, { reason, ...options }: RunOptions & { reason?: string }) =>
      steer(runner, options, runId, { order: 'pause', ...(reason === undefined ? {} : { reason }) }),
    );
  withJson(run.command('resume'))
    .summary('have a run go on, whatever it stands at')
    .description(
      'Does what is needed for the run to go on, and says what: sends `resume` to a workflow that is paused or parked, or starts ' +
        'a new one when its budget was spent, or the workflow failed, was cancelled or terminated, or is lost with the server’s data.',
    )
    .argument('<runId>', 'name of the run', runName)
    .option('--reason <text>', 'shown in the Temporal UI')
    .option('--input <json>', INPUT_HELP)
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero run resume demo
  $ npx r-zero run resume demo --input '{"microBatch": 32}'`,
    )
    .action((runId: string, options: ChangeOptions) => resume(runner, options, runId, 'resume'));
}

interface ChangeOptions extends RunOptions {
  reason?: string;
  input?: string;
}

const INPUT_HELP = 'settings to change from here on, as one JSON object, or @file; each change is recorded';

function addRetry(run: Command, runner: CommandRunner): void {
  withJson(run.command('retry'))
    .summary('have a parked run try what failed once more, now')
    .argument('<runId>', 'name of the run', runName)
    .option('--reason <text>', 'shown in the Temporal UI')
    .option('--input <json>', INPUT_HELP)
    .addHelpText(
      'after',
      `\nExamples:\n  $ npx r-zero run retry demo\n  $ npx r-zero run retry demo --input '{"gate": {"minimumQuestions": 4}}'`,
    )
    .action((runId: string, options: ChangeOptions) => resume(runner, options, runId, 'retry'));
}

async function resume(
  runner: CommandRunner,
  { reason, input, ...options }: ChangeOptions,
  runId: string,
  order: 'resume' | 'retry',
): Promise<void> {
  await runner.run(options, options.json, async (terminal) => {
    const [{ readSettings }, { resumeRunCommand }] = await Promise.all([
      import('../run-input-text.ts'),
      import('../run-resume.ts'),
    ]);
    const settings = readSettings(input);
    const request = {
      order,
      ...(reason === undefined ? {} : { reason }),
      ...(settings === undefined ? {} : { input: settings }),
    };
    await resumeRunCommand(options, runId, request, terminal);
  });
}

function addReset(run: Command, runner: CommandRunner): void {
  withJson(run.command('reset-to'))
    .summary('do everything again from a phase of an iteration on')
    .description(
      'The run goes back to the beginning of a phase and goes on from there. What it did since stays in the database, marked as ' +
        'superseded (`r_zero_all`, `r_zero.takes`). With the same settings it ends with the same rows and checkpoints.',
    )
    .argument('<runId>', 'name of the run', runName)
    .requiredOption(
      '--iteration <number>',
      'the first iteration to do again; 0 is the base model',
      wholeNumber(0, 1000),
    )
    .addOption(
      new Option('--phase <name>', 'its first phase to do again').choices([...PHASE_ORDER]).makeOptionMandatory(),
    )
    .option('--reason <text>', 'kept with the reset')
    .option('--input <json>', INPUT_HELP)
    .option('--stop', 'also while the run is at work: gives up its present shard or step', false)
    .option('--no-start', 'leave the run waiting, when it has no workflow that goes on')
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero run reset-to demo --iteration 2 --phase challenger_training
  $ npx r-zero run reset-to demo --iteration 2 --phase gating --input '{"gate": {"lower": 0.4}}' --reason "too easy"`,
    )
    .action(
      (runId: string, options: ChangeOptions & { iteration: number; phase: Phase; stop: boolean; start: boolean }) =>
        runner.run(options, options.json, async (terminal) => {
          const [{ readSettings }, { resetRunCommand }] = await Promise.all([
            import('../run-input-text.ts'),
            import('../run-reset.ts'),
          ]);
          const { input: text, ...others } = options;
          const input = readSettings(text);
          await resetRunCommand({ ...others, ...(input === undefined ? {} : { input }) }, runId, terminal);
        }),
    );
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
