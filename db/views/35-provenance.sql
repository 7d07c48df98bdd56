-- Where the rows of a unit come from: join it on (run_id, iteration, phase, unit), which every row that a unit wrote has. A sample has its
-- own checkpoint and seed beside it; a vote belongs to the unit of its answers, an evaluation's item to that of its evaluation, and
-- the rows of a recomputation to its row.
create view r_zero.provenance as
select u.run_id, u.iteration, u.phase, u.unit,
       coalesce(u.code_version, r.code_version) as code_version,
       r.base_checkpoint_id as base_model, r.profile_hash as prompts_hash, r.held_out_hash,
       r.preset, r.preset_version, r.control, r.seed as run_seed,
       e.engine ->> 'engine' as engine, e.engine ->> 'backend' as backend,
       e.engine ->> 'backendVersion' as backend_version, e.engine ->> 'execution' as execution,
       e.engine ->> 'device' as device, (e.engine ->> 'deterministic')::boolean as deterministic,
       (e.engine ->> 'threads')::int as threads,
       u.take, u.input_version, coalesce(i.config, r.config) as input,
       a.workflow_id, a.worker_pid, a.attempt, u.finished_at
from r_zero.units u
join r_zero.runs r using (run_id)
left join r_zero.run_inputs i on i.run_id = u.run_id and i.version = u.input_version
-- Work on rows alone, such as gating, has no engine.
cross join lateral (select coalesce(u.engine, '{}') as engine) e
left join lateral (
  select workflow_id, worker_pid, attempt from r_zero.attempts t
  where (t.run_id, t.iteration, t.phase, t.unit, t.take) = (u.run_id, u.iteration, u.phase, u.unit, u.take) and t.outcome = 'finished'
  order by attempt_id limit 1
) a on true;
