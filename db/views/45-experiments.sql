-- What each run of an experiment has come to, by iteration; iteration 0 is the base model.
create view r_zero.experiment_results as
select e.experiment_id, e.position, e.setting, e.seed, e.run_id, r.status, r.status_reason, s.iteration,
       s.greedy_accuracy, s.sampled_accuracy, s.worked_share, s.worked_accuracy, s.label_accuracy, s.kept, s.seconds, u.tokens
from r_zero.experiment_runs e
left join r_zero.runs r using (run_id)
left join r_zero.iteration_summary s using (run_id)
left join lateral (
  select sum(tokens)::bigint as tokens from r_zero.units where run_id = e.run_id and iteration = s.iteration
) u on true;

-- The same over the seeds: means, and standard deviations of the sample.
create view r_zero.experiment_summary as
select experiment_id, setting, iteration, count(greedy_accuracy)::int as runs,
       avg(greedy_accuracy) as greedy_accuracy, stddev_samp(greedy_accuracy) as greedy_deviation,
       avg(sampled_accuracy) as sampled_accuracy, stddev_samp(sampled_accuracy) as sampled_deviation,
       avg(worked_share) as worked_share, stddev_samp(worked_share) as worked_share_deviation,
       avg(worked_accuracy) as worked_accuracy, stddev_samp(worked_accuracy) as worked_accuracy_deviation,
       avg(label_accuracy) as label_accuracy, stddev_samp(label_accuracy) as label_deviation,
       avg(kept) as kept, avg(tokens) as tokens, avg(seconds) as seconds
from r_zero.experiment_results
where iteration is not null
group by experiment_id, setting, iteration;
