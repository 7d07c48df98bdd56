/** What a run was warned of, and what it did again. */
import { select } from '../client.ts';
import type { Connection } from './report.ts';

export interface ReportAlarmRow {
  iteration: number;
  phase: string;
  alarm: string;
  raised: boolean;
  /** off, note, pause, stop, rollback; note for those that were not raised. */
  action: string;
  value: number | null;
  threshold: number;
  message: string;
  take: number;
  /** The take that did its phase again; null for what stands. */
  superseded_by: number | null;
}

/** All that stand, and of what was done again those that were raised. */
export const readReportAlarms = (connection: Connection, runId: string): Promise<ReportAlarmRow[]> =>
  select(
    connection,
    `select iteration, phase, alarm, raised, action, value, threshold, message, take, superseded_by
     from r_zero_all.alarms where run_id = $1 and (superseded_by is null or raised)
     order by iteration, take, phase, alarm`,
    [runId],
  );

export interface ReportTakeRow {
  take: number;
  iteration: number;
  phase: string;
  reason: string | null;
  /** `alarm`, or who asked. */
  requested_by: string;
  /** Settings that it goes on with, where they are others than before, by field. */
  changes: Record<string, { from: unknown; to: unknown }> | null;
  created_at: Date;
}

/** Oldest first. */
export const readReportTakes = (connection: Connection, runId: string): Promise<ReportTakeRow[]> =>
  select(
    connection,
    `select t.take, t.iteration, t.phase, t.reason, t.requested_by, i.changes, t.created_at
     from (select *, lag(input_version, 1, 1) over (order by take) as version_before from r_zero.takes where run_id = $1) t
     left join r_zero.run_inputs i
       on i.run_id = t.run_id and i.version = t.input_version and t.input_version <> t.version_before
     order by t.take`,
    [runId],
  );
