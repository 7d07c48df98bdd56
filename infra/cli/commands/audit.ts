import { Option } from 'commander';
import type { Command } from 'commander';
import type { JudgeOptions } from '../audit-judge.ts';
import type { LabelOptions } from '../audit-label.ts';
import type { ContaminationOptions } from '../audit-contamination.ts';
import type { AuditOptions } from '../audit.ts';
import type { CommandRunner } from '../command-runner.ts';
import { runName, wholeNumber, withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

export function addAudit(program: Command, runner: CommandRunner): void {
  const audit = program.command('audit').summary('are a run’s labels true, and is it what it was when it was written?');
  addVerify(audit, runner);
  addJudge(audit, runner);
  addLabel(audit, runner);
  addContamination(audit, runner);
}

const runOption = () => new Option('--run <name>', 'name of the run').argParser(runName).makeOptionMandatory();
const iterationOption = () =>
  new Option('--iteration <number>', 'one iteration (default: all that are labelled)').argParser(wholeNumber(1, 1_000));

function addVerify(audit: Command, runner: CommandRunner): void {
  withCommonOptions(audit.command('verify'))
    .summary('hold a run’s rows and files against everything that can be known of them otherwise')
    .description(
      'Hashes the checkpoints again; compares texts with their tokens and seeds with their places; makes votes, rewards, decisions, ' +
        'evaluations and audits again under the run’s own preset; looks for rows that are missing or lead nowhere; and has the engine ' +
        'generate samples once more from their seeds, each with the whole request that it was sampled in, which must come out bit by bit. ' +
        'Changes nothing and needs no right to write. Exit code 1 when anything is not as it should be. What rests on a row that is ' +
        'reported is taken as it is stored, so that one altered row is one finding. Pruned checkpoints are no findings.',
    )
    .addOption(runOption())
    .addOption(
      new Option('--samples <number>', 'samples to generate again, drawn from all of the run')
        .argParser(wholeNumber(1, 1_000_000))
        .default(16),
    )
    .addOption(
      new Option('--seed <number>', 'decides which samples are drawn')
        .argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER))
        .default(1),
    )
    .option('--no-replay', 'generate nothing again')
    .option('--json', 'print one JSON object for a script', false)
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero audit verify --run demo
  $ npx r-zero audit verify --run demo --samples 200 --seed 7
  $ npx r-zero audit verify --run demo --no-replay --json`,
    )
    .action((options: CommonOptions & AuditOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { auditCommand } = await import('../audit.ts');
        return auditCommand(options, terminal);
      }),
    );
}

function addJudge(audit: Command, runner: CommandRunner): void {
  const number = (most: number) => wholeNumber(1, most);
  withCommonOptions(audit.command('judge'))
    .summary('ask a language model about a sample of a run’s labels')
    .description(
      'Any OpenAI-compatible server will do. The sample is drawn by the run’s seed, in proportion to what each tenth of p̂ has. First ' +
        'the judge is asked cases whose verdict is known; one that fails them is asked nothing else. Each verdict is stored as it ' +
        'comes, with its cost: asked again, the command asks only for what is missing. The key is taken from R_ZERO_JUDGE_API_KEY and ' +
        'stored nowhere. What is left out comes from the run’s own judge, if it has one.',
    )
    .addOption(runOption())
    .addOption(iterationOption())
    .option('--base-url <address>', 'of the server, up to /v1')
    .option('--model <name>', 'as the server calls it')
    .option('--prompt <name>', '"verify", "solve", or a file of that form (default: verify)')
    .addOption(new Option('--questions <number>', 'labels an iteration (default: 64)').argParser(number(1_000_000)))
    .addOption(
      new Option('--max-calls <number>', 'most calls for this run, earlier ones included').argParser(
        number(Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(
      new Option('--max-total-tokens <number>', 'most tokens for this run, earlier ones included').argParser(
        number(Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(new Option('--max-tokens <number>', 'longest reply (default: 1024)').argParser(number(65_536)))
    .addOption(new Option('--concurrency <number>', 'requests at a time (default: 4)').argParser(number(256)))
    .addOption(new Option('--timeout-seconds <number>', 'of one request (default: 120)').argParser(number(3_600)))
    .option('--json', 'print one JSON object for a script', false)
    .addHelpText(
      'after',
      `
Examples:
  $ R_ZERO_JUDGE_API_KEY=… npx r-zero audit judge --run demo --base-url https://api.example.com/v1 --model large
  $ npx r-zero audit judge --run demo --base-url http://127.0.0.1:8000/v1 --model qwen --questions 200 --max-calls 1000`,
    )
    .action((options: CommonOptions & JudgeOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { judgeCommand } = await import('../audit-judge.ts');
        await judgeCommand(options, terminal);
      }),
    );
}

function addLabel(audit: Command, runner: CommandRunner): void {
  withCommonOptions(audit.command('label'))
    .summary('look at a sample of a run’s labels yourself')
    .description(
      'Shows questions with their labels, stratified by p̂ and the same for everybody, and stores what you say of each under your name: y ' +
        'true, n false, s cannot tell, = ANSWER the right one. It can be ended at any time; the next call goes on.',
    )
    .addOption(runOption())
    .addOption(iterationOption())
    .addOption(
      new Option('--annotator <name>', 'whose verdicts they are').env('R_ZERO_ANNOTATOR').makeOptionMandatory(),
    )
    .addOption(
      new Option('--questions <number>', 'labels an iteration').argParser(wholeNumber(1, 1_000_000)).default(25),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx r-zero audit label --run demo --annotator "Ada Lovelace" --questions 40',
    )
    .action((options: CommonOptions & LabelOptions) =>
      runner.run(options, false, async (terminal) => {
        const { labelCommand } = await import('../audit-label.ts');
        await labelCommand(options, terminal);
      }),
    );
}

function addContamination(audit: Command, runner: CommandRunner): void {
  withCommonOptions(audit.command('contamination'))
    .summary('list generated questions that repeat a question of an evaluation set')
    .description(
      'Which questions, of which set, and how: exact (the same text), near (almost the same words with the same numbers), or ngram (a run of ' +
        '13 words in common, or 70 % of all runs of 8). Under the presets’ rules the gate drops them all. The same as SQL: r_zero.contaminations.',
    )
    .addOption(runOption())
    .addOption(new Option('--limit <number>', 'most to list').argParser(wholeNumber(1, 1_000_000)).default(50))
    .option('--json', 'print one JSON object for a script', false)
    .addHelpText('after', '\nExamples:\n  $ npx r-zero audit contamination --run demo')
    .action((options: CommonOptions & ContaminationOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { contaminationCommand } = await import('../audit-contamination.ts');
        await contaminationCommand(options, terminal);
      }),
    );
}
