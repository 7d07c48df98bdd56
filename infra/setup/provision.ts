import { RZeroError } from '../../activities/errors.ts';
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
 * Returns false, with the failure printed, when a needed part cannot be had.
 */
export async function provisionNatives(needs: readonly Native[], options: ProvisionOptions = {}): Promise<boolean> {
  const { env = process.env, report = terminalReporter() } = options;
  try {
    if (needs.includes('postgres') && !env['DATABASE_URL']) await ensurePostgresBinaries(env);
    if (needs.includes('temporal') && !(await usesExternalTemporal(env))) await ensureTemporalCli({ env, report });
    if (needs.includes('tensorflow')) await ensureTensorFlow({ env, report });
    return true;
  } catch (error) {
    if (!(error instanceof RZeroError)) throw error;
    console.error(`${error.code}: ${error.message}`);
    return false;
  }
}

async function usesExternalTemporal(env: NodeJS.ProcessEnv): Promise<boolean> {
  if (env['TEMPORAL_ADDRESS']) return true;
  const { externalTemporal } = await import('../dev-stack/temporal-connection.ts');
  return externalTemporal(env) !== undefined;
}
