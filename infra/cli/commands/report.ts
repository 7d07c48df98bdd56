import { Option } from 'commander';
import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import { runName, wholeNumber, withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';
import type { ReportOptions } from '../report.ts';

/** Of `report --watch`, when it is free for nobody else. */
const PORT = 4600;

export function addReport(program: Command, runner: CommandRunner): void {
  withCommonOptions(program.command('report'))
    .summary('a run as one page: did it get better, are its labels true, every question to read')
    .description(
      'Writes one HTML file that needs no network: held-out accuracy and label accuracy by iteration with intervals, where the questions went, ' +
        'training step by step, diversity, time, settings, and the questions with their answers, votes, decisions and audits. All of it ' +
        'comes from the database; equal rows make an equal file.',
    )
    .addOption(new Option('--run <name>', 'name of the run').argParser(runName).makeOptionMandatory())
    .addOption(new Option('--compare <name>', 'another run, shown beside it').argParser(runName))
    .option('--output <file>', 'where to (default: "./<run>-report.html")')
    .addOption(
      new Option(
        '--questions <number>',
        'most questions of a run to read in the page; of more, a stratified sample (default: 20000)',
      ).argParser(wholeNumber(1, 1_000_000)),
    )
    .option('--watch', 'serve it to this machine instead, and refresh it while the run goes on', false)
    .addOption(
      new Option('--port <number>', 'port of --watch; 0 for any that is free')
        .argParser(wholeNumber(0, 65_535))
        .default(PORT),
    )
    .option('--json', 'print one JSON object for a script', false)
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero report --run demo
  $ npx r-zero report --run demo --compare demo-random-reward --output ./report.html
  $ npx r-zero report --run demo --watch`,
    )
    .action((options: CommonOptions & ReportOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { reportCommand } = await import('../report.ts');
        await reportCommand(options, terminal);
      }),
    );
}
