import { ensurePostgresBinaries } from './postgres-binaries.ts';
import { terminalReporter } from './progress.ts';
import type { ReportSetup } from './progress.ts';
import { ensureTemporalCli } from './temporal-cli.ts';
import { ensureTensorFlow } from './tensorflow.ts';

export type Native = 'postgres' | 'temporal' | 'tensorflow';

export interface ProvisionOptions {
  env?: NodeJS.ProcessEnv;
  report?: ReportSetup;
}

/**
 * Fetches what npm does not carry, one after the other, and tells about it. Servers that the user named are not fetched.
 * Fails with `SetupFailed`, `DiskFull` or `PythonMissing` when a needed part cannot be had.
 */
export async function provisionNatives(needs: readonly Native[], options: ProvisionOptions = {}): Promise<void> {
  const { env = process.env, report = terminalReporter() } = options;
  if (needs.includes('postgres') && !env['DATABASE_URL']) await ensurePostgresBinaries(env);
  if (needs.includes('temporal') && !(await usesExternalTemporal(env))) await ensureTemporalCli({ env, report });
  if (needs.includes('tensorflow')) await ensureTensorFlow({ env, report });
}

async function usesExternalTemporal(env: NodeJS.ProcessEnv): Promise<boolean> {
  if (env['TEMPORAL_ADDRESS']) return true;
  const { externalTemporal } = await import('../dev-stack/temporal-connection.ts');
  return externalTemporal(env) !== undefined;
}
