/** A report of one run, or of two beside each other, from one state of the database. */
import type pg from 'pg';
import { readDifferences } from '../../db/queries/report-accuracy.ts';
import { onSnapshot } from '../../db/queries/report.ts';
import { packageVersion } from '../package-info.ts';
import { readRunData } from './data.ts';
import type { RunData } from './data.ts';
import { renderPage } from './page.ts';
import { READER_LIMITS, readReader } from './reader.ts';
import type { ReaderData, ReaderLimits } from './reader.ts';

export interface ReportRequest {
  runId: string;
  /** The run beside it. */
  compare?: string | undefined;
  limits?: Partial<ReaderLimits>;
  /** Of the rows, for a page that is served live. */
  version?: string | undefined;
}

export interface Report {
  page: string;
  /** Of each run: questions in the page, and all that it has. */
  questions: { runId: string; shown: number; all: number }[];
}

/** @throws RZeroError `RunNotFound`, `DatabaseUnreachable` */
export async function makeReport(pool: pg.Pool, request: ReportRequest): Promise<Report> {
  const { runId, compare, version } = request;
  const limits = { ...READER_LIMITS, ...request.limits };
  return await onSnapshot(pool, async (client) => {
    const runs: RunData[] = [];
    const readers: ReaderData[] = [];
    for (const [index, id] of [runId, ...(compare === undefined ? [] : [compare])].entries()) {
      const data = await readRunData(client, id, index);
      runs.push(data);
      readers.push(await readReader(client, data, limits));
    }
    const differences = compare === undefined ? [] : await readDifferences(client, runId, compare);
    return {
      page: renderPage({ runs, differences, readers, codeVersion: packageVersion(), version }),
      questions: readers.map(({ data, shown, questions }) => ({ runId: data.run.runId, shown, all: questions })),
    };
  });
}
