/** The workflow bundle, built once per version of the sources: webpack takes seconds, reading a file does not. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { BundleOptions } from '@temporalio/worker';
import { workflowsPath } from './plugin.ts';

const PREFIX = 'workflow-bundle-';
const require = createRequire(import.meta.url);

export interface WorkflowBundleOptions {
  /** Folder of the cached bundle; created when missing. A folder that cannot be written only costs the time. */
  cacheDir: string;
  /** Where webpack reports. @default the Temporal runtime's logger */
  logger?: BundleOptions['logger'];
}

/** @returns the bundle's code, for `WorkerOptions.workflowBundle`. */
export async function loadWorkflowBundle({ cacheDir, logger }: WorkflowBundleOptions): Promise<{ code: string }> {
  const entry = workflowsPath();
  const file = join(cacheDir, `${PREFIX}${await fingerprint(dirname(entry))}.js`);
  const cached = await readCached(file);
  if (cached !== undefined) return { code: cached };
  const { code } = await bundleWorkflowCode({ workflowsPath: entry, ...(logger === undefined ? {} : { logger }) });
  try {
    await store(file, code);
  } catch (error) {
    logger?.warn('The workflow bundle could not be cached; the next start builds it again.', { file, error });
  }
  return { code };
}

/** Changes with any workflow source, and with the versions of what is bundled and of the bundler. */
async function fingerprint(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const dependency of ['@temporalio/workflow', '@temporalio/common', '@temporalio/worker']) {
    const { version } = require(`${dependency}/package.json`) as { version: string };
    hash.update(`${dependency}@${version}\n`);
  }
  const names = (await readdir(folder)).filter((name) => /\.(ts|js)$/.test(name)).sort();
  for (const name of names) {
    hash.update(`${name}\n`);
    hash.update(await readFile(join(folder, name)));
  }
  return hash.digest('hex').slice(0, 32);
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
  const others = (await readdir(folder)).filter((name) => name.startsWith(PREFIX) && name.endsWith('.js'));
  for (const name of others) {
    if (join(folder, name) !== file) await rm(join(folder, name), { force: true });
  }
}

function sumLine(code: string): string {
  return `// sha256 ${createHash('sha256').update(code).digest('hex')}`;
}
