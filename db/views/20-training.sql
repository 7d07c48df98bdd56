-- Reward components and policy metrics by training step.
create view r_zero.training_steps as
select r.run_id, r.iteration, r.phase, r.unit as step, r.role,
       count(*)::int as rollouts,
       avg(r.total) as mean_reward,
       stddev_samp(r.total) as stddev_reward,
       avg(r.computed) as mean_computed_reward,
       avg(r.uncertainty) as mean_uncertainty,
       avg(r.repetition) as mean_repetition,
       avg(r.format) as mean_format,
       avg(r.accuracy) as mean_accuracy,
       u.learning_rate, u.updates, u.skipped, u.loss, u.policy_loss, u.kl, u.entropy, u.clip_fraction, u.gradient_norm,
       u.tokens, u.padding_tokens, u.seconds, u.memory_bytes, u.peak_memory_bytes,
       u.checkpoint_before, u.checkpoint_after
from r_zero.rewards r
join r_zero.policy_updates u using (run_id, iteration, phase, unit)
where r.version = 1
group by r.run_id, r.iteration, r.phase, r.unit, r.role, u.run_id, u.iteration, u.phase, u.unit;
