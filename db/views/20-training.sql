-- Reward components and policy metrics by training step.
create view r_zero.training_steps as
select r.run_id, r.iteration, r.phase, r.step, r.role, r.rollouts, r.mean_reward, r.stddev_reward, r.mean_computed_reward,
       r.mean_uncertainty, r.mean_repetition, r.mean_format, r.mean_accuracy,
       u.learning_rate, u.updates, u.skipped, u.loss, u.policy_loss, u.kl, u.entropy, u.clip_fraction, u.gradient_norm,
       u.tokens, u.padding_tokens, u.seconds, u.memory_bytes, u.peak_memory_bytes,
       u.checkpoint_before, u.checkpoint_after
from (
  select run_id, iteration, phase, unit as step, role,
         count(*)::int as rollouts,
         avg(total) as mean_reward,
         stddev_samp(total) as stddev_reward,
         avg(computed) as mean_computed_reward,
         avg(uncertainty) as mean_uncertainty,
         avg(repetition) as mean_repetition,
         avg(format) as mean_format,
         avg(accuracy) as mean_accuracy
  from r_zero.rewards
  where version = 1
  group by run_id, iteration, phase, unit, role
) r
join r_zero.policy_updates u on (u.run_id, u.iteration, u.phase, u.unit) = (r.run_id, r.iteration, r.phase, r.step);
