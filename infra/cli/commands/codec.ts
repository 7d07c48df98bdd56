import { Option } from 'commander';
import type { Command } from 'commander';
import type { CommandRunner } from '../command-runner.ts';
import { wholeNumber, withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

export interface CodecServeOptions extends CommonOptions {
  port: number;
  origin?: string[];
}

export function addCodec(program: Command, runner: CommandRunner): void {
  const codec = program
    .command('codec')
    .summary('encryption of what Temporal stores')
    .description(
      'With keys in R_ZERO_CODEC_KEYS or in the file of R_ZERO_CODEC_KEY_FILE, workers, commands and schedules encrypt inputs, results, ' +
        'messages and failures with AES-256-GCM. The first key encrypts, all of them decrypt.',
    );
  withCommonOptions(codec.command('key'))
    .summary('print a new key')
    .addHelpText('after', '\nExamples:\n  $ npx r-zero codec key >> keys.txt && chmod 600 keys.txt')
    .action((options: CommonOptions) =>
      runner.run(options, false, async (terminal) => {
        const { makeKey } = await import('../../codec/keys.ts');
        terminal.out(makeKey(new Date()));
      }),
    );
  withCommonOptions(codec.command('serve'))
    .summary('decrypt payloads for the Temporal UI and CLI')
    .description(
      'A Codec Server on the loopback interface, until Ctrl-C. Name its address in the UI (the glasses, top right) or to ' +
        '`temporal --codec-endpoint`.',
    )
    .addOption(new Option('--port <number>', 'where it listens').default(8081).argParser(wholeNumber(0, 65_535)))
    .option('--origin <url...>', "origins whose pages may ask (default: the running stack's Temporal UI)")
    .addHelpText(
      'after',
      `
Examples:
  $ R_ZERO_CODEC_KEY_FILE=keys.txt npx r-zero codec serve
  $ R_ZERO_CODEC_KEY_FILE=keys.txt npx r-zero codec serve --origin https://ui.example`,
    )
    .action((options: CodecServeOptions) =>
      runner.run(options, false, async (terminal) => {
        const { serveCodec } = await import('../codec.ts');
        await serveCodec(options, terminal);
      }),
    );
}
