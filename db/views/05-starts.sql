-- One row per start of a run, a night when a schedule starts it: its budget, what it spent, and how it ended. Derived from rows of
-- units and attempts of all takes, so that neither a crash nor a reset sets it back. Engine time is that of all attempts at work with a model, failed ones too;
-- of an attempt whose worker was killed it is the time until its last sign of life.
create view r_zero.start_spending as
select s.start_id, s.run_id, s.workflow_id, s.budget, s.started_at, s.ended_at, s.end_status, s.end_reason,
       coalesce(a.engine_seconds, 0)::double precision as engine_seconds,
       coalesce(u.units, 0)::int as units,
       coalesce(u.tokens, 0)::bigint as tokens,
       coalesce(u.questions, 0)::bigint as questions
from r_zero.run_starts s
left join lateral (
  select coalesce(min(started_at), 'infinity') as started_at
  from r_zero.run_starts where run_id = s.run_id and start_id > s.start_id
) n on true
left join lateral (
  select sum(extract(epoch from coalesce(finished_at, seen_at, started_at) - started_at)) as engine_seconds
  from r_zero.attempts
  where run_id = s.run_id and started_at >= s.started_at and started_at < n.started_at
    and phase not in ('gating', 'audit')
) a on true
left join lateral (
  select count(*) as units, sum(tokens) as tokens,
         sum(case phase when 'challenger_training' then (metrics ->> 'rollouts')::bigint
                        when 'dataset_generation' then (metrics ->> 'generated')::bigint end) as questions
  from r_zero_all.units
  where run_id = s.run_id and finished_at >= s.started_at and finished_at < n.started_at
) u on true;
