import { Argument } from 'commander';
import type { Command } from 'commander';
import { LOADER_NAMES } from '../../../activities/evaluation-sets/loaders.ts';
import type { LoaderName } from '../../../activities/evaluation-sets/loaders.ts';
import type { CommandRunner } from '../command-runner.ts';
import { withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

interface DatasetOptions extends CommonOptions {
  json: boolean;
  revision?: string;
  file?: string;
}

const PUBLISHED = LOADER_NAMES.filter((name) => name !== 'file');

export function addDataset(program: Command, runner: CommandRunner): void {
  const dataset = program
    .command('dataset')
    .summary('bring evaluation sets to this machine, and look at them')
    .description(
      'A run is evaluated on the sets that its input names (evaluation.sets), each a file on the worker’s machine or one that `get` put into ' +
        'the user’s cache. A run reads a set once, when it begins, and keeps it in Postgres.',
    );
  withJson(dataset.command('list'))
    .summary('say which sets there are, how each is measured, and which are here')
    .addHelpText('after', '\nExamples:\n  $ npx r-zero dataset list')
    .action((options: DatasetOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { listDatasets } = await import('../dataset.ts');
        listDatasets(options.json, terminal);
      }),
    );
  withJson(dataset.command('get'))
    .summary('fetch a published set from the Hugging Face hub')
    .addArgument(new Argument('<set>', 'its name').choices(PUBLISHED))
    .option('--revision <commit>', 'commit, branch or tag (default: the newest; the commit is noted)')
    .description(
      'Downloads go on where they stopped, every hash is checked, and the commit is noted beside the files. HF_ENDPOINT and HF_TOKEN are used ' +
        'when set. Without a network, copy the published file to the worker and name it: {"set": "gsm8k", "file": "…"}.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx r-zero dataset get gsm8k\n  $ npx r-zero dataset get mmlu-pro --revision 0123abcd…',
    )
    .action((name: LoaderName, options: DatasetOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { getDatasetCommand } = await import('../dataset.ts');
        await getDatasetCommand(name, options, terminal);
      }),
    );
  withJson(dataset.command('inspect'))
    .summary('say what a set holds and how its first question is asked')
    .addArgument(new Argument('<set>', 'its name').choices(LOADER_NAMES))
    .option('--file <path>', 'a file of that set (default: what `get` fetched)')
    .addHelpText('after', '\nExamples:\n  $ npx r-zero dataset inspect supergpqa --file ./SuperGPQA-all.jsonl')
    .action((name: LoaderName, options: DatasetOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const { inspectDataset } = await import('../dataset.ts');
        await inspectDataset(name, options, terminal);
      }),
    );
}

function withJson(command: Command): Command {
  return withCommonOptions(command).option('--json', 'print one JSON value for a script', false);
}
