/** What is shown of an iteration's phases beside their plan: sums over stored units, and how long a unit takes. */
import type pg from 'pg';
import type { Phase, PhasePlan } from '../../activities/contract.ts';
import { asDatabaseError } from '../client.ts';

/** Sums of the named metrics over the stored units of each phase; a phase without any has no entry. */
export async function readStoredSums(
  pool: pg.Pool,
  runId: string,
  iteration: number,
  names: readonly string[],
): Promise<Map<Phase, Required<Pick<PhasePlan, 'stored'>>>> {
  try {
    const result = await pool.query<{ phase: Phase; units: number; sums: Record<string, number> }>(
      `select phase, max(units)::int as units, coalesce(jsonb_object_agg(name, total) filter (where total is not null), '{}') as sums
       from (select u.phase, m.name, sum((u.metrics->>m.name)::float8) as total, count(*) as units
             from r_zero.units u cross join unnest($3::text[]) m (name)
             where u.run_id = $1 and u.iteration = $2 group by u.phase, m.name) s
       group by phase`,
      [runId, iteration, names],
    );
    return new Map(result.rows.map(({ phase, units, sums }) => [phase, { stored: { units, sums } }]));
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** Mean seconds of a unit, by phase, in a finished iteration. */
export async function readPaces(
  pool: pg.Pool,
  runId: string,
  iteration: number,
): Promise<Map<Phase, Required<Pick<PhasePlan, 'secondsPerUnit'>>>> {
  try {
    const result = await pool.query<{ phase: Phase; seconds: number }>(
      `select phase, round(avg(seconds)::numeric, 3)::float8 as seconds from r_zero.units
       where run_id = $1 and iteration = $2 group by phase`,
      [runId, iteration],
    );
    return new Map(result.rows.map(({ phase, seconds }) => [phase, { secondsPerUnit: seconds }]));
  } catch (error) {
    throw asDatabaseError(error);
  }
}
