import { Command } from 'commander';
import type { OutputConfiguration } from 'commander';
import type { CommandRunner } from './command-runner.ts';
import { addAudit } from './commands/audit.ts';
import { addBench } from './commands/bench.ts';
import { addCodec } from './commands/codec.ts';
import { addCheckpoint } from './commands/checkpoint.ts';
import { addDataset } from './commands/dataset.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addMigrate } from './commands/migrate.ts';
import { addExperiment } from './commands/experiment.ts';
import { addExport } from './commands/export.ts';
import { addRecompute } from './commands/recompute.ts';
import { addReport } from './commands/report.ts';
import { addModel } from './commands/model.ts';
import { addRun } from './commands/run.ts';
import { addSchedule } from './commands/schedule.ts';
import { addSetup } from './commands/setup.ts';
import { addSql } from './commands/sql.ts';
import { addUp } from './commands/up.ts';
import { addWorker } from './commands/worker.ts';

export interface ProgramOptions {
  version: string;
  runner: CommandRunner;
  /** Where help and usage errors go. @default standard output and standard error */
  output?: OutputConfiguration;
}

/** The whole command line. Parsing throws commander's `CommanderError` instead of ending the process. */
export function createProgram({ version, runner, output = {} }: ProgramOptions): Command {
  const program = new Command('r-zero')
    .description(
      'R-Zero as durable Temporal workflows: a Challenger and a Solver co-evolve from one base model, and every question, answer, ' +
        'vote and reward is kept in Postgres.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .showSuggestionAfterError(true)
    .showHelpAfterError('(add --help for the options and examples)')
    .exitOverride()
    .configureOutput(output)
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero demo               see it work, on this machine, in one command
  $ npx r-zero up                 servers and worker to work with
  $ npx r-zero run start          a run on them
  $ npx r-zero sql                ask the database

A command's own help has its options, defaults and examples: npx r-zero <command> --help`,
    );
  program.commandsGroup('See it work:');
  addDemo(program, runner);
  addDoctor(program, runner);
  addSetup(program, runner);
  addBench(program, runner);
  program.commandsGroup('Servers and workers:');
  addUp(program, runner);
  addWorker(program, runner);
  addMigrate(program, runner);
  addCodec(program, runner);
  program.commandsGroup('Runs and their data:');
  addRun(program, runner);
  addSchedule(program, runner);
  addExperiment(program, runner);
  addModel(program, runner);
  addDataset(program, runner);
  addCheckpoint(program, runner);
  addSql(program, runner);
  addReport(program, runner);
  addRecompute(program, runner);
  addAudit(program, runner);
  addExport(program, runner);
  return program;
}
