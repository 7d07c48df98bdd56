-- One question's whole life: who wrote it, how it was answered, voted and decided, which steps trained on it and which
-- checkpoint came out. One row per training step; one row with an empty step for a question that trained nothing.
create view r_zero.lineage as
select q.run_id, q.iteration, q.question_id, q.phase as question_phase, q.unit as question_unit, q.item,
       q.checkpoint_id as challenger_checkpoint, q.status, q.reason as parse_reason, q.question, q.challenger_answer,
       a.answers, a.answer_checkpoints,
       v.label, v.majority, v.total, v.p_hat, v.classes,
       d.kept, d.reason as gate_reason, d.policy, d.policy_version, d.dataset_index,
       o.truth, o.agrees as label_is_true,
       t.step, t.rollouts, t.mean_reward, t.checkpoint_before, t.checkpoint_after
from r_zero.questions q
left join lateral (
  select count(*)::int as answers, array_agg(distinct checkpoint_id) as answer_checkpoints
  from r_zero.answers where question_id = q.question_id
) a on true
left join r_zero.current_votes v on v.question_id = q.question_id
left join r_zero.current_gate_decisions d on d.question_id = q.question_id
left join r_zero.current_audits o on o.question_id = q.question_id and o.oracle = 'computed'
left join lateral (
  select r.unit as step, count(*)::int as rollouts, avg(w.total) as mean_reward, u.checkpoint_before, u.checkpoint_after
  from r_zero.rollouts r
  join r_zero.rewards w on w.rollout_id = r.rollout_id and w.version = 1
  join r_zero.policy_updates u on (u.run_id, u.iteration, u.phase, u.unit) = (r.run_id, r.iteration, r.phase, r.unit)
  where r.question_id = q.question_id
  group by r.unit, u.checkpoint_before, u.checkpoint_after
  union all
  -- A question of Challenger training is itself the rollout.
  select w.unit, 1, w.total, u.checkpoint_before, u.checkpoint_after
  from r_zero.rewards w
  join r_zero.policy_updates u on (u.run_id, u.iteration, u.phase, u.unit) = (w.run_id, w.iteration, w.phase, w.unit)
  where w.question_id = q.question_id and w.version = 1
) t on true;
