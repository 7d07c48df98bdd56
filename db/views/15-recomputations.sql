-- What a recomputation (r_zero.recomputations) gives beside what the run computed and acted upon: one row per vote, decision or reward
-- that either of them has. `change` is same, changed, new (the run has none) or missing (it cannot be computed again, e.g. a question
-- that only the other preset takes for one was never answered).
create view r_zero.recomputed_votes as
select r.recomputation_id, r.run_id, r.version, r.preset, q.iteration, q.phase, q.question_id, q.question,
       o.label as label_before, n.label as label_after,
       o.majority as majority_before, n.majority as majority_after,
       o.total as total_before, n.total as total_after,
       o.p_hat as p_hat_before, n.p_hat as p_hat_after,
       case when o.question_id is null then 'new'
            when n.question_id is null then 'missing'
            when (o.label, o.majority, o.total) is not distinct from (n.label, n.majority, n.total) then 'same'
            else 'changed' end as change
from r_zero.recomputations r
join r_zero.questions q on q.run_id = r.run_id
left join r_zero.current_votes o on o.question_id = q.question_id
left join r_zero.votes n on n.question_id = q.question_id and n.recomputation_id = r.recomputation_id
where o.question_id is not null or n.question_id is not null;

create view r_zero.recomputed_decisions as
select r.recomputation_id, r.run_id, r.version, r.preset, q.iteration, q.question_id, q.question,
       o.kept as kept_before, n.kept as kept_after,
       o.reason as reason_before, n.reason as reason_after,
       o.inputs as inputs_before, n.inputs as inputs_after,
       case when o.question_id is null then 'new'
            when n.question_id is null then 'missing'
            when o.reason = n.reason then 'same'
            else 'changed' end as change
from r_zero.recomputations r
join r_zero.questions q on q.run_id = r.run_id
left join r_zero.current_gate_decisions o on o.question_id = q.question_id
left join r_zero.gate_decisions n on n.question_id = q.question_id and n.recomputation_id = r.recomputation_id
where o.question_id is not null or n.question_id is not null;

-- Rewards are the same when they differ by rounding at most.
create view r_zero.recomputed_rewards as
select r.recomputation_id, r.run_id, r.version, r.preset, o.iteration, o.phase, o.unit as step, o.role,
       o.question_id, o.rollout_id,
       o.computed as computed_before, n.computed as computed_after,
       o.uncertainty as uncertainty_before, n.uncertainty as uncertainty_after,
       o.repetition as repetition_before, n.repetition as repetition_after,
       o.format as format_before, n.format as format_after,
       o.accuracy as accuracy_before, n.accuracy as accuracy_after,
       o.advantage as advantage_before, n.advantage as advantage_after,
       case when n.reward_id is null then 'missing'
            when abs(o.computed - n.computed) <= 1e-12 then 'same'
            else 'changed' end as change
from r_zero.recomputations r
join r_zero.rewards o on o.run_id = r.run_id and o.recomputation_id is null
left join r_zero.rewards n on n.recomputation_id = r.recomputation_id and n.role = o.role
                          and coalesce(n.question_id, n.rollout_id) = coalesce(o.question_id, o.rollout_id)
where not exists (select from r_zero.rewards l
                  where l.run_id = o.run_id and l.recomputation_id is null and l.version > o.version and l.role = o.role
                    and coalesce(l.question_id, l.rollout_id) = coalesce(o.question_id, o.rollout_id));

-- The table that `r-zero recompute` prints.
create view r_zero.recomputation_summary as
select recomputation_id, run_id, version, preset, iteration, subject,
       count(*)::int as rows,
       count(*) filter (where change = 'same')::int as same,
       count(*) filter (where change = 'changed')::int as changed,
       count(*) filter (where change = 'new')::int as new,
       count(*) filter (where change = 'missing')::int as missing,
       avg(before) as mean_before, avg(after) as mean_after
from (
  select recomputation_id, run_id, version, preset, iteration, change,
         case phase when 'challenger_training' then 'Challenger votes' else 'labels' end as subject,
         p_hat_before as before, p_hat_after as after
  from r_zero.recomputed_votes
  union all
  select recomputation_id, run_id, version, preset, iteration, change,
         case role when 'challenger' then 'Challenger rewards' else 'Solver rewards' end, computed_before, computed_after
  from r_zero.recomputed_rewards
  union all
  select recomputation_id, run_id, version, preset, iteration, change, 'decisions', kept_before::int, kept_after::int
  from r_zero.recomputed_decisions
) as subjects
group by recomputation_id, run_id, version, preset, iteration, subject;
