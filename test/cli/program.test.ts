import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import type { CommandRunner } from '../../infra/cli/command-runner.ts';
import type { CommonOptions } from '../../infra/cli/options.ts';
import { createProgram } from '../../infra/cli/program.ts';

interface Parsed {
  options: CommonOptions & Record<string, unknown>;
  json: boolean;
}

/** A runner that notes what would have run. */
function parse(argv: string[]): { ran: Parsed[]; written: string; error: unknown } {
  const ran: Parsed[] = [];
  const runner: CommandRunner = {
    exitCode: 0,
    run: (options, json) => {
      ran.push({ options: { ...options }, json });
      return Promise.resolve();
    },
  };
  let written = '';
  const write = (text: string) => void (written += text);
  const program = createProgram({ version: '1.2.3', runner, output: { writeOut: write, writeErr: write } });
  let error: unknown;
  try {
    program.parse(argv, { from: 'user' });
  } catch (thrown) {
    error = thrown;
  }
  return { ran, written, error };
}

function commands(): Command[] {
  const collect = (command: Command): Command[] => [command, ...command.commands.flatMap(collect)];
  const runner: CommandRunner = { exitCode: 0, run: () => Promise.resolve() };
  return collect(createProgram({ version: '1.2.3', runner })).slice(1);
}

function helpOf(path: string[]): string {
  const { written, error } = parse([...path, '--help']);
  assert.ok(error instanceof CommanderError);
  assert.equal(error.exitCode, 0);
  return written;
}

describe('the command line', () => {
  test('has every command of the README', () => {
    const names = commands().map((command) => `${command.parent?.name()} ${command.name()}`);
    for (const name of [
      'demo',
      'up',
      'worker',
      'migrate',
      'run',
      'sql',
      'recompute',
      'checkpoint',
      'doctor',
      'bench',
      'audit',
      'export',
    ])
      assert.ok(names.includes(`r-zero ${name}`), name);
    for (const name of ['start', 'list', 'status', 'pause', 'resume', 'retry', 'reset-to', 'extend', 'cancel'])
      assert.ok(names.includes(`run ${name}`), name);
    assert.ok(names.includes('bench engine'));
    for (const name of ['create', 'list', 'show', 'pause', 'unpause', 'trigger', 'backfill', 'delete'])
      assert.ok(names.includes(`schedule ${name}`), name);
    for (const name of ['list', 'verify', 'prune']) assert.ok(names.includes(`checkpoint ${name}`), name);
  });

  test('describes every command, argument and option', () => {
    for (const command of commands()) {
      assert.ok(command.summary(), `${command.name()} has a summary`);
      for (const option of command.options) assert.ok(option.description, `${command.name()} ${option.long}`);
      for (const argument of command.registeredArguments) assert.ok(argument.description, command.name());
    }
  });

  test('gives examples in the help of every command that does something', () => {
    for (const command of commands()) {
      if (command.commands.length > 0) continue;
      const path = [command.name()];
      for (let above = command.parent; above?.parent; above = above.parent) path.unshift(above.name());
      assert.match(helpOf(path), /Examples:\n {2}\$ /, path.join(' '));
    }
  });

  test('prints the version', () => {
    const { written, error } = parse(['--version']);
    assert.equal(written, '1.2.3\n');
    assert.ok(error instanceof CommanderError && error.exitCode === 0);
  });

  const slips: [string, string[], RegExp][] = [
    ['an unknown command is answered with the nearest one', ['rnu'], /unknown command 'rnu'[^]*Did you mean run\?/],
    ['an unknown run command is answered with the nearest one', ['run', 'stats'], /Did you mean/],
    ['an unknown option is answered with the nearest one', ['demo', '--sead', '1'], /Did you mean --seed\?/],
    ['a seed must be a whole number', ['demo', '--seed', '1.5'], /'--seed <number>'.*whole number/],
    ['a seed must not be negative', ['demo', '--seed=-1'], /whole number/],
    ['iterations have an upper bound', ['demo', '--iterations', '1001'], /from 1 to 1000/],
    ['iterations have a lower bound', ['run', 'start', '--iterations', '0'], /from 1 to 1000/],
    [
      'a control must be known',
      ['demo', '--control', 'coin'],
      /Allowed choices are none, random-reward, shuffled-labels, oracle-labels/,
    ],
    [
      'a preset must be known',
      ['run', 'start', '--preset', 'papr'],
      /Allowed choices are default, paper, official-code/,
    ],
    ['a run id must be usable in SQL and in workflow ids', ['run', 'status', 'a/b'], /letters, digits/],
    ['a command that needs a run id says so', ['run', 'pause'], /missing required argument 'runId'/],
    ['a cancellation at once takes no reason', ['run', 'cancel', 'demo', '--reason', 'x'], /needs --after-phase/],
    ['an export names a form', ['export', '--run', 'a', '--format', 'csv'], /Allowed choices are jsonl, parquet, hf/],
    ['an audit needs a run', ['audit', 'verify'], /required option '--run <name>' not specified/],
    ['an audit draws whole numbers', ['audit', 'verify', '--run', 'a', '--samples', '0'], /from 1 to 1000000/],
    ['a recomputation needs a run', ['recompute', '--dry-run'], /required option '--run <name>' not specified/],
    ['a prune needs a run', ['checkpoint', 'prune'], /required option '--run <name>' not specified/],
    ['a retention policy must be known', ['checkpoint', 'prune', '--run', 'a', '--keep', 'every:0'], /every:N/],
    [
      'dropping moments alone keeps all weights, whatever a policy says',
      ['checkpoint', 'prune', '--run', 'a', '--optimizer-only', '--keep', 'last'],
      /'--optimizer-only' cannot be used with option '--keep <what>'/,
    ],
    [
      'a budget has limits that are known',
      ['run', 'start', '--budget', 'gpu=1'],
      /Limits are iterations, engineMinutes/,
    ],
    ['a limit is a number', ['schedule', 'create', '--budget', 'tokens=many'], /Give tokens a number/],
    [
      'a period in the past has a begin',
      ['schedule', 'backfill', '--to', '2026-01-01'],
      /'--from <time>' not specified/,
    ],
    ['times are written as dates', ['schedule', 'backfill', '--from', 'friday', '--to', '2026-01-01'], /2026-01-30T18/],
    ['a schedule is deleted by its name', ['schedule', 'delete'], /missing required argument 'scheduleId'/],
    ['an id is hexadecimal', ['checkpoint', 'verify', 'demo'], /hexadecimal/],
    ['an argument too many is refused', ['up', 'now'], /too many arguments/],
  ];
  for (const [name, argv, message] of slips) {
    test(name, () => {
      const { ran, written, error } = parse(argv);
      assert.match(written, message);
      assert.match(written, /--help/);
      assert.ok(error instanceof CommanderError && error.exitCode !== 0);
      assert.equal(ran.length, 0);
    });
  }

  test('the plain demo names no field of the run, so that --input may name any', () => {
    const { ran } = parse(['demo']);
    assert.deepEqual(ran[0]?.options, {
      keepRunning: false,
      json: false,
      dataDir: process.env['R_ZERO_DATA_DIR'] ?? '.r-zero',
      verbose: false,
    });
  });

  test('the demo takes its options', () => {
    const { ran } = parse([
      'demo',
      '--seed',
      '3',
      '--control',
      'random-reward',
      '--iterations=5',
      '--json',
      '--data-dir',
      'x',
    ]);
    assert.deepEqual(ran[0]?.json, true);
    assert.ok(ran[0]);
    const { seed, control, iterations, dataDir } = ran[0].options;
    assert.deepEqual(
      { seed, control, iterations, dataDir },
      { seed: 3, control: 'random-reward', iterations: 5, dataDir: 'x' },
    );
  });

  test('a run start passes on only what was given', () => {
    const { ran } = parse(['run', 'start', '--run-id', 'first']);
    assert.ok(ran[0]);
    const { runId, seed, preset, control, iterations } = ran[0].options;
    assert.deepEqual(
      { runId, seed, preset, control, iterations },
      { runId: 'first', seed: undefined, preset: undefined, control: undefined, iterations: undefined },
    );
  });

  test('a prune keeps the ends of iterations unless told otherwise', () => {
    const keepOf = (...argv: string[]) => parse(['checkpoint', 'prune', '--run', 'a', ...argv]).ran[0]?.options['keep'];
    assert.deepEqual(keepOf(), { kind: 'iterations' });
    assert.deepEqual(keepOf('--optimizer-only'), { kind: 'iterations' });
    assert.deepEqual(keepOf('--keep', 'every:5'), { kind: 'every', iterations: 5 });
    assert.deepEqual(keepOf('--keep=last'), { kind: 'last' });
  });

  test('printing a connection keeps standard output for it', () => {
    assert.equal(parse(['sql', '--print']).ran[0]?.json, true);
  });
});
