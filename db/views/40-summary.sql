-- The run's table: one row per iteration; iteration 0 is the base model.
create view r_zero.iteration_summary as
select i.run_id, i.iteration,
       g.correct::double precision / nullif(g.items * g.samples_per_item, 0) as greedy_accuracy,
       s.correct::double precision / nullif(s.items * s.samples_per_item, 0) as sampled_accuracy,
       s.majority_correct::double precision / nullif(s.items, 0) as majority_accuracy,
       s.worked::double precision / nullif(s.items * s.samples_per_item, 0) as worked_share,
       s.worked_correct::double precision / nullif(s.worked, 0) as worked_accuracy,
       f.generated, f.parsed, f.voted, f.kept, f.mean_p_hat, f.mean_p_hat_kept,
       l.label_accuracy, l.lower as label_accuracy_lower, l.upper as label_accuracy_upper, l.audited,
       i.seconds
from (
  select run_id, iteration, sum(seconds) as seconds from r_zero.phase_progress group by run_id, iteration
) i
left join r_zero.evaluations g on g.run_id = i.run_id and g.iteration = i.iteration and g.mode = 'greedy' and g.set_name = 'held-out'
left join r_zero.evaluations s on s.run_id = i.run_id and s.iteration = i.iteration and s.mode = 'sampled' and s.set_name = 'held-out'
left join r_zero.funnel f on f.run_id = i.run_id and f.iteration = i.iteration
left join r_zero.label_accuracy l on l.run_id = i.run_id and l.iteration = i.iteration and l.kept and l.oracle = 'computed';
