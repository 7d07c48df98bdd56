/**
 * The workflow bundle, built once per version of the sources: webpack takes seconds, reading a file does not. The published
 * package brings one along; it is used when Temporal's packages have the versions that it was built with.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import type { BundleOptions } from '@temporalio/worker';
import { workflowsPath } from './plugin.ts';

/** Begins the name of every bundle. */
const PREFIX = 'workflow-bundle-';
const require = createRequire(import.meta.url);
/** Filled by the build of the package; a checkout has no such folder. */
const PREBUILT = fileURLToPath(new URL('./workflow-bundle', import.meta.url));

export interface WorkflowBundleOptions {
  /** Folder of the cached bundle; created when missing. A folder that cannot be written only costs the time. */
  cacheDir: string;
  /** Where webpack reports. @default the Temporal runtime's logger */
  logger?: BundleOptions['logger'];
  /** What else runs in the sandbox, for encryption and tracing. @default {} */
  extras?: BundleExtras;
}

export type BundleExtras = Pick<BundleOptions, 'failureConverterPath' | 'workflowInterceptorModules'>;

/** @returns the bundle's code, for `WorkerOptions.workflowBundle`. */
export async function loadWorkflowBundle({
  cacheDir,
  logger,
  extras = {},
}: WorkflowBundleOptions): Promise<{ code: string }> {
  const name = await bundleName(extras);
  const file = join(cacheDir, name);
  const ready = (await readCached(join(PREBUILT, name))) ?? (await readCached(file));
  if (ready !== undefined) return { code: ready };
  const code = await bundle(logger, extras);
  try {
    await store(file, code);
  } catch (error) {
    logger?.warn('The workflow bundle could not be cached; the next start builds it again.', { file, error });
  }
  return { code };
}

/**
 * For the build of the package: the bundle beside this module, with the paths of its source map told from `root`, so that
 * it does not name folders of the machine that built it.
 */
export async function prebuildWorkflowBundle(root: string): Promise<void> {
  const code = await bundle(new DefaultLogger('WARN'), {});
  const relocated = code.replace(/(sourceMappingURL=data:[^,\s]*;base64,)(\S+)/, (_, head: string, map: string) => {
    const text = Buffer.from(map, 'base64').toString('utf8').replaceAll(`${root}${sep}`, '');
    return head + Buffer.from(text).toString('base64');
  });
  await store(join(PREBUILT, await bundleName({})), relocated);
}

async function bundle(logger: BundleOptions['logger'], extras: BundleExtras): Promise<string> {
  const options = { workflowsPath: workflowsPath(), ...extras, ...(logger === undefined ? {} : { logger }) };
  return (await bundleWorkflowCode(options)).code;
}

/** Changes with any workflow source and extra module, and with the versions of what is bundled and of the bundler. */
async function bundleName({ failureConverterPath, workflowInterceptorModules = [] }: BundleExtras): Promise<string> {
  const folder = dirname(workflowsPath());
  const hash = createHash('sha256');
  hashVersions(hash, ['@temporalio/workflow', '@temporalio/common', '@temporalio/worker']);
  await hashFolder(hash, folder);
  const extras = [...(failureConverterPath === undefined ? [] : [failureConverterPath]), ...workflowInterceptorModules];
  for (const file of extras) {
    hash.update(`${file}\n`);
    await hashFolder(hash, dirname(file));
  }
  if (workflowInterceptorModules.length > 0) hashVersions(hash, ['@temporalio/interceptors-opentelemetry']);
  // Bundles with and without extras stand side by side.
  const kind = extras.length === 0 ? PREFIX : `${PREFIX}with-${extras.length}-`;
  return `${kind}${hash.digest('hex').slice(0, 32)}.js`;
}

function hashVersions(hash: Hash, dependencies: readonly string[]): void {
  for (const dependency of dependencies) {
    const { version } = require(`${dependency}/package.json`) as { version: string };
    hash.update(`${dependency}@${version}\n`);
  }
}

async function hashFolder(hash: Hash, folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /\.(ts|js)$/.test(name)).sort();
  for (const name of names) {
    hash.update(`${name}\n`);
    hash.update(await readFile(join(folder, name)));
  }
}

/** The first line is the hash of the rest, so that a file cut short by a power failure is built again. */
async function readCached(file: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    // Not there yet, or not readable: building it again is always right, and says what is wrong with the folder.
    return undefined;
  }
  const end = text.indexOf('\n');
  const code = text.slice(end + 1);
  return text.slice(0, end) === sumLine(code) ? code : undefined;
}

async function store(file: string, code: string): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true });
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, `${sumLine(code)}\n${code}`);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
  const own = basename(file);
  const others = (await readdir(folder)).filter((name) => name !== own && kindOf(name) === kindOf(own));
  for (const name of others) await rm(join(folder, name), { force: true });
}

/** The name without its hash: of each kind the newest is kept. */
function kindOf(name: string): string | undefined {
  return /^(workflow-bundle-.*)[0-9a-f]{32}\.js$/.exec(name)?.[1];
}

function sumLine(code: string): string {
  return `// sha256 ${createHash('sha256').update(code).digest('hex')}`;
}
