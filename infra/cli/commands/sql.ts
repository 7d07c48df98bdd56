import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import { withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

interface Options extends CommonOptions {
  json: boolean;
  print: boolean;
}

export function addSql(program: Command, runner: CommandRunner): void {
  withCommonOptions(program.command('sql'))
    .summary('open psql on the database, or run one query')
    .description(
      'Opens psql, or prints the connection string when there is none. With a query it prints the rows. Postgres is started for as ' +
        'long as this takes when it does not run.',
    )
    .argument('[query]', 'SQL to run; the schema r_zero is searched first')
    .option('--print', 'print the connection string with its password', false)
    .option('--json', 'print the rows of a query as one JSON array', false)
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero sql
  $ npx r-zero sql "select iteration, greedy_accuracy, kept, label_accuracy from iteration_summary order by 1"
  $ npx r-zero sql "select question, label, p_hat from dataset limit 10" --json
  $ psql "$(npx r-zero sql --print)"               while the servers run`,
    )
    .action((query: string | undefined, options: Options) =>
      runner.run(options, options.json || options.print, async (terminal) => {
        const { sql } = await import('../sql.ts');
        return await sql(options, query, terminal);
      }),
    );
}
