import { DATABASE_FAULTS } from './database-faults.ts';
import { DISK_FAULTS } from './disk-faults.ts';
import type { Fault } from './fault.ts';
import { LOSS_FAULTS } from './loss-faults.ts';
import { ORDER_FAULTS } from './order-faults.ts';
import { PROCESS_FAULTS } from './process-faults.ts';

/** Rows of the matrix. */
export const FAULTS: readonly Fault[] = [
  ...PROCESS_FAULTS,
  ...DATABASE_FAULTS,
  ...DISK_FAULTS,
  ...ORDER_FAULTS,
  ...LOSS_FAULTS,
];

/** Rows whose faults strike no phase, but the run. */
export const WHOLE_RUN_FAULTS = {
  uncached: 'no workflow cache (maxCachedWorkflows: 0)',
  reset: 'reset to every workflow task',
} as const;
