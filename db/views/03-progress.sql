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

-- Work that was started more than once within one take: what crashes and retries cost.
create view r_zero.repeated_work as
select run_id, iteration, phase, unit, take,
       count(*)::int as attempts,
       count(*) filter (where outcome = 'finished')::int as finished,
       count(*) filter (where outcome is null)::int as interrupted,
       array_agg(distinct error_code) filter (where error_code is not null) as error_codes
from r_zero.attempts
group by run_id, iteration, phase, unit, take
having count(*) > 1;

-- Every doing of a phase: the current one, and those that a reset has done again, with its reason.
create view r_zero.phase_takes as
select p.run_id, p.iteration, p.phase, p.take, p.superseded_by is null as is_current,
       p.units, u.units_done, u.seconds, u.tokens, u.input_versions, u.first_finished_at, u.last_finished_at,
       p.superseded_by, t.created_at as superseded_at, t.requested_by as superseded_on_behalf_of, t.reason as superseded_for
from r_zero_all.phases p
left join lateral (
  select count(*)::int as units_done, coalesce(sum(seconds), 0)::double precision as seconds, sum(tokens)::bigint as tokens,
         array_agg(distinct input_version) as input_versions,
         min(finished_at) as first_finished_at, max(finished_at) as last_finished_at
  from r_zero_all.units u
  where (u.run_id, u.iteration, u.phase, u.take) = (p.run_id, p.iteration, p.phase, p.take)
) u on true
left join r_zero.takes t on t.run_id = p.run_id and t.take = p.superseded_by;
