import type pg from 'pg';
import type { Engine } from './engine/types.ts';

/** What activities work with; given once, by the plugin. */
export interface ActivityDependencies {
  database: pg.Pool;
  engine: Engine;
  /** Folder of checkpoints and caches, absolute. */
  dataDir: string;
  /** Version of this package, stored with every run. */
  codeVersion: string;
}
