-- How many pseudo-labels are true, by iteration, oracle and solve rate: p-hat in ten parts, the last one closed. `kept` is null for all
-- labels, true for those of the training set, false for the others. Anchors are no questions of the iteration: what they say of a part of
-- p-hat stands for each of the three, and that so few labels may happen to be truer or less true than such labels are is part of
-- their interval. A vote has a label when its majority is not 0. `below` and `above` are how far Wilson's interval of 95 % reaches, with
-- that chance in it, and beyond 0 and 1 where there are few labels; where nothing was audited, a half each.
create view r_zero.label_accuracy_parts as
select c.run_id, c.iteration, c.oracle, c.kept, c.part,
       c.part / 10.0::double precision as p_hat_from, (c.part + 1) / 10.0::double precision as p_hat_to,
       c.labelled, c.audited, c.undecided, c.agreeing,
       -- Code is asked everything and answers what it can: its answers stand for themselves. The others are asked a sample.
       (case c.oracle when 'computed' then c.audited else c.labelled end)::double precision
         / nullif(sum(case c.oracle when 'computed' then c.audited else c.labelled end)
                    over (partition by c.run_id, c.iteration, c.oracle, c.kept), 0)::double precision as weight,
       w.p as label_accuracy,
       case when c.audited = 0 then 0.5 else sqrt((w.p - w.centre + w.spread) ^ 2 + w.chance) end as below,
       case when c.audited = 0 then 0.5 else sqrt((w.centre + w.spread - w.p) ^ 2 + w.chance) end as above
from (
  select run_id, iteration, oracle, kept, part,
         sum(labelled)::int as labelled, sum(audited)::int as audited,
         sum(undecided)::int as undecided, sum(agreeing)::int as agreeing
  from (
    select l.run_id, l.iteration, o.oracle, l.kept, l.part, l.labelled, 0 as audited, 0 as undecided, 0 as agreeing
    from (
      select q.run_id, q.iteration, s.kept, least(v.majority * 10 / v.total, 9) as part, count(*) as labelled
      from r_zero.questions q
      join r_zero.current_votes v using (question_id)
      left join r_zero.current_gate_decisions d using (question_id)
      cross join lateral (values (null::boolean), (coalesce(d.kept, false))) s (kept)
      where q.phase = 'dataset_generation' and v.majority > 0
      group by 1, 2, 3, 4
    ) l
    join (select distinct run_id, iteration, oracle from r_zero.audits) o using (run_id, iteration)
    union all
    select a.run_id, a.iteration, a.oracle, s.kept, least(v.majority * 10 / v.total, 9), 0,
           count(a.agrees), count(*) - count(a.agrees), count(*) filter (where a.agrees)
    from r_zero.current_audits a
    join r_zero.current_votes v using (question_id)
    left join r_zero.current_gate_decisions d using (question_id)
    cross join lateral (values (null::boolean), (coalesce(d.kept, false))) s (kept)
    where v.majority > 0
    group by 1, 2, 3, 4, 5
    union all
    select a.run_id, a.iteration, a.oracle, s.kept, least(n.majority * 10 / n.total, 9), 0,
           count(a.agrees), count(*) - count(a.agrees), count(*) filter (where a.agrees)
    from r_zero.current_audits a
    join r_zero.anchors n using (anchor_id)
    cross join (values (null::boolean), (true), (false)) s (kept)
    group by 1, 2, 3, 4, 5
  ) counted
  group by run_id, iteration, oracle, kept, part
) c
cross join lateral (
  select c.agreeing::double precision / nullif(c.audited, 0) as p, nullif(c.audited, 0)::double precision as n,
         1.959963984540054::double precision as z
) x
cross join lateral (
  select x.p, y.centre, x.z * sqrt(x.p * (1 - x.p) / x.n + x.z ^ 2 / (4 * x.n ^ 2)) / (1 + x.z ^ 2 / x.n) as spread,
         case when c.oracle = 'anchors' and c.labelled > 0
              then x.z ^ 2 * y.centre * (1 - y.centre) / c.labelled::double precision else 0 end as chance
  from (select (x.p + x.z ^ 2 / (2 * x.n)) / (1 + x.z ^ 2 / x.n) as centre) y
) w;

create view r_zero.label_accuracy_by_p_hat as
select run_id, iteration, oracle, kept, part, p_hat_from, p_hat_to, labelled, audited, undecided, agreeing, weight, label_accuracy,
       greatest(0, coalesce(label_accuracy, 0.5) - below) as lower, least(1, coalesce(label_accuracy, 0.5) + above) as upper
from r_zero.label_accuracy_parts;

-- The same over all of p-hat: each part weighs what it weighs among the labels that are asked about, one that nothing is known of counts as
-- a half with an interval from 0 to 1, and the parts' intervals are put together by MOVER (Zou and Donner, Statistics in
-- Medicine 27, 2008). One part with all of the weight gives Wilson's interval. The share of so many labels moves in steps of one: where anchors
-- foretell it, half a step is added on either side (the continuity correction).
create view r_zero.label_accuracy as
select run_id, iteration, oracle, kept, labelled, audited, undecided, agreeing, label_accuracy,
       greatest(0, label_accuracy - below - half_step) as lower, least(1, label_accuracy + above + half_step) as upper
from (
  select run_id, iteration, oracle, kept,
         sum(labelled)::int as labelled, sum(audited)::int as audited, sum(undecided)::int as undecided,
         sum(agreeing)::int as agreeing,
         -- Of counts, not of weights: where all are true this is 1, to the last bit.
         case when sum(audited) = 0 then null
              when oracle = 'computed' then sum(agreeing)::double precision / sum(audited)::double precision
              else sum(labelled * coalesce(label_accuracy, 0.5)) / nullif(sum(labelled), 0)::double precision end as label_accuracy,
         sqrt(sum((weight * below) ^ 2)) as below,
         sqrt(sum((weight * above) ^ 2)) as above,
         case when oracle = 'anchors' then coalesce(0.5 / nullif(sum(labelled), 0), 0)::double precision else 0 end as half_step
  from r_zero.label_accuracy_parts
  group by run_id, iteration, oracle, kept
) estimated;
