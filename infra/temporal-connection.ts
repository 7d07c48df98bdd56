/** Connection settings of this process: Temporal's own variables and profile file, or what the caller says. */
import type { NativeConnectionOptions } from '@temporalio/worker';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { RZeroError } from '../activities/errors.ts';

export interface TemporalTarget {
  /** `host:port`. @default `TEMPORAL_ADDRESS`, the profile, or localhost:7233 */
  address?: string;
  /** @default `TEMPORAL_NAMESPACE`, the profile, or `default` */
  namespace?: string;
}

export interface TemporalConnectionSettings {
  options: NativeConnectionOptions;
  address: string;
  namespace: string;
}

/** @throws RZeroError `TemporalUnreachable` when the variables or the profile file cannot be read. */
export function temporalSettings(target: TemporalTarget = {}): TemporalConnectionSettings {
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig();
    const options = { ...connectionOptions, ...(target.address === undefined ? {} : { address: target.address }) };
    return {
      options,
      address: options.address ?? 'localhost:7233',
      namespace: target.namespace ?? namespace ?? 'default',
    };
  } catch (error) {
    throw new RZeroError('TemporalUnreachable', `Temporal's configuration cannot be read: ${messageOf(error)}.`, {
      fix: 'Correct the TEMPORAL_* variables or the profile file.',
      cause: error,
    });
  }
}

export function unreachable(address: string, error: unknown): RZeroError {
  return new RZeroError('TemporalUnreachable', `No Temporal server answers at ${address}: ${messageOf(error)}.`, {
    fix: 'Start one with `npx r-zero up`, or correct TEMPORAL_ADDRESS.',
    field: 'TEMPORAL_ADDRESS',
    cause: error,
  });
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/[.\s]+$/, '');
}
