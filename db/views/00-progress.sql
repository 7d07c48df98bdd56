-- One row per phase: how far it is and how long it took. `seconds` is the units' working time, not the wall time.
create view r_zero.phase_progress as
select p.run_id,
       p.iteration,
       p.phase,
       p.units,
       count(u.unit)::int as units_done,
       coalesce(sum(u.seconds), 0)::double precision as seconds,
       min(u.finished_at) as first_finished_at,
       max(u.finished_at) as last_finished_at
from r_zero.phases p
left join r_zero.units u using (run_id, iteration, phase)
group by p.run_id, p.iteration, p.phase, p.units;

-- Work that was started more than once: what crashes and retries cost.
create view r_zero.repeated_work as
select run_id, iteration, phase, unit,
       count(*)::int as attempts,
       count(*) filter (where outcome = 'finished')::int as finished,
       count(*) filter (where outcome is null)::int as interrupted,
       array_agg(distinct error_code) filter (where error_code is not null) as error_codes
from r_zero.attempts
group by run_id, iteration, phase, unit
having count(*) > 1;
