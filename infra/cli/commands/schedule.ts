import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { Budget } from '../../../activities/contract.ts';
import { budgetOption } from '../budget-text.ts';
import type { CommandRunner } from '../command-runner.ts';
import { iterationsOption, runName, wholeNumber, withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';
import type { ScheduleOrder } from '../schedule.ts';

const DEFAULT_ID = 'r-zero-nightly';

interface ScheduleCommandOptions extends CommonOptions {
  json: boolean;
}

interface CreateOptions extends ScheduleCommandOptions {
  run?: string;
  iterations?: number;
  budget?: Budget;
  input?: string;
  at?: string;
  cron?: string;
  every?: string;
  timezone?: string;
  catchUp: number;
  nights?: number;
  paused: boolean;
}

export function addSchedule(program: Command, runner: CommandRunner): void {
  const schedule = program
    .command('schedule')
    .summary('advance a run every night, within a budget')
    .description(
      'Schedules of the running servers, which start the workflow rZeroNightly. One night at a time: one that is still going on ' +
        'makes the next be left out, and one that fails pauses the schedule, with the reason as its note.',
    );
  addCreate(schedule, runner);
  addList(schedule, runner);
  addShow(schedule, runner);
  addPauseAndUnpause(schedule, runner);
  addTrigger(schedule, runner);
  addBackfill(schedule, runner);
  addDelete(schedule, runner);
}

function withJson(command: Command): Command {
  return withCommonOptions(command).option('--json', 'print one JSON value for a script', false);
}

function addCreate(schedule: Command, runner: CommandRunner): void {
  withJson(schedule.command('create'))
    .summary('make a schedule')
    .description(
      'Times are in UTC unless --timezone says otherwise. A time that a clock change leaves out does not occur that night, and one ' +
        'that it repeats occurs twice.',
    )
    .argument('[scheduleId]', 'name of the schedule', scheduleName, DEFAULT_ID)
    .option('--run <runId>', 'the run to advance (default: the name of the schedule, made on the first night)', runName)
    .addOption(iterationsOption('how many more iterations a night finishes (default: 1)'))
    .addOption(budgetOption('a night'))
    .option('--input <json>', 'settings with which the run is made when there is none, as one JSON object, or @file')
    .option('--at <HH:MM>', 'every day at this time')
    .option('--cron <line>', 'five fields: minute, hour, day of month, month, day of week')
    .option('--every <interval>', 'a number and s, m, h or d, such as 6h')
    .option('--timezone <name>', 'an IANA name, such as Europe/Berlin (default: UTC)')
    .option('--catch-up <hours>', 'how late a missed night may still begin', hours, 6)
    .option('--nights <number>', 'end after that many nights (default: no end)', wholeNumber(1, 100_000))
    .option('--paused', 'make it paused', false)
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero schedule create --run demo --at 02:00 --timezone Europe/Berlin --budget engineMinutes=240
  $ npx r-zero schedule create weekdays --run demo --iterations 2 --cron "30 1 * * 1-5"
  $ npx r-zero schedule create fresh --run fresh --input '{"seed": 7}' --at 23:00 --nights 10`,
    )
    .action((scheduleId: string, options: CreateOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const [{ readRunInput }, { createScheduleCommand }] = await Promise.all([
          import('../run-input-text.ts'),
          import('../schedule.ts'),
        ]);
        const { run, iterations, budget, input, at, cron, every, timezone, catchUp, nights, paused } = options;
        const settings = input === undefined ? undefined : readRunInput(input, {});
        await createScheduleCommand(
          options,
          {
            scheduleId,
            input: given({ runId: run, iterations, budget, run: settings }),
            ...given({ at, cron, every, timezone, nights }),
            catchUpHours: catchUp,
            paused,
          },
          terminal,
        );
      }),
    );
}

function addList(schedule: Command, runner: CommandRunner): void {
  withJson(schedule.command('list'))
    .summary('list the schedules that start nights')
    .addHelpText('after', '\nExamples:\n  $ npx r-zero schedule list')
    .action((options: ScheduleCommandOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { listSchedulesCommand } = await import('../schedule.ts');
        await listSchedulesCommand(options, terminal);
      }),
    );
}

function addShow(schedule: Command, runner: CommandRunner): void {
  withJson(schedule.command('show'))
    .summary('show a schedule: its times, its note, its last and next nights')
    .argument('[scheduleId]', 'name of the schedule', scheduleName, DEFAULT_ID)
    .addHelpText('after', '\nExamples:\n  $ npx r-zero schedule show')
    .action((scheduleId: string, options: ScheduleCommandOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { showScheduleCommand } = await import('../schedule.ts');
        await showScheduleCommand(options, scheduleId, terminal);
      }),
    );
}

function addPauseAndUnpause(schedule: Command, runner: CommandRunner): void {
  const orders = [
    ['pause', 'begin no more nights'],
    ['unpause', 'begin nights again, after a pause or a failure'],
  ] as const;
  for (const [order, summary] of orders) {
    withJson(schedule.command(order))
      .summary(summary)
      .argument('[scheduleId]', 'name of the schedule', scheduleName, DEFAULT_ID)
      .option('--note <text>', 'why; shown in the Temporal UI')
      .addHelpText('after', `\nExamples:\n  $ npx r-zero schedule ${order} --note "the GPU is needed"`)
      .action((scheduleId: string, options: ScheduleCommandOptions & { note?: string }) =>
        carryOut(runner, options, scheduleId, { order, ...given({ note: options.note }) }),
      );
  }
}

function addTrigger(schedule: Command, runner: CommandRunner): void {
  withJson(schedule.command('trigger'))
    .summary('begin a night now')
    .argument('[scheduleId]', 'name of the schedule', scheduleName, DEFAULT_ID)
    .addHelpText('after', '\nExamples:\n  $ npx r-zero schedule trigger')
    .action((scheduleId: string, options: ScheduleCommandOptions) =>
      carryOut(runner, options, scheduleId, { order: 'trigger' }),
    );
}

function addBackfill(schedule: Command, runner: CommandRunner): void {
  withJson(schedule.command('backfill'))
    .summary('make up for the nights of a period in the past, one after the other')
    .argument('[scheduleId]', 'name of the schedule', scheduleName, DEFAULT_ID)
    .requiredOption('--from <time>', 'begin of the period, such as 2026-01-30 or 2026-01-30T18:00:00Z', instant)
    .requiredOption('--to <time>', 'its end', instant)
    .addHelpText('after', '\nExamples:\n  $ npx r-zero schedule backfill --from 2026-01-30 --to 2026-02-02')
    .action((scheduleId: string, options: ScheduleCommandOptions & { from: Date; to: Date }) =>
      carryOut(runner, options, scheduleId, { order: 'backfill', from: options.from, to: options.to }),
    );
}

function addDelete(schedule: Command, runner: CommandRunner): void {
  withJson(schedule.command('delete'))
    .summary('delete a schedule; its run and all data stay')
    .argument('<scheduleId>', 'name of the schedule', scheduleName)
    .addHelpText('after', `\nExamples:\n  $ npx r-zero schedule delete ${DEFAULT_ID}`)
    .action((scheduleId: string, options: ScheduleCommandOptions) =>
      carryOut(runner, options, scheduleId, { order: 'delete' }),
    );
}

async function carryOut(
  runner: CommandRunner,
  options: ScheduleCommandOptions,
  scheduleId: string,
  order: ScheduleOrder,
): Promise<void> {
  await runner.run(options, options.json, async (terminal) => {
    const { orderScheduleCommand } = await import('../schedule.ts');
    await orderScheduleCommand(options, scheduleId, order, terminal);
  });
}

/** Fields that were given. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function scheduleName(text: string): string {
  return runName(text);
}

/** Temporal takes no less than ten seconds. */
function hours(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0.01 && value <= 8784) return value;
  throw new InvalidArgumentError('Give hours, from 0.01 to 8784.');
}

function instant(text: string): Date {
  const time = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('Give a date or a time as in 2026-01-30 or 2026-01-30T18:00:00Z.');
}
