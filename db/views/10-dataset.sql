-- What a run itself computed and acted upon, in the newest version of each vote, decision and audit; recomputations apart. Written
-- so that a filter on a run or a question reaches the table. What is newer than another is no version 1, which an index of
-- corrections knows, that has next to no rows.
create view r_zero.current_votes as
select * from r_zero.votes v
where v.recomputation_id is null
  and not exists (select from r_zero.votes n
                  where n.question_id = v.question_id and n.version > v.version and n.version > 1 and n.recomputation_id is null);

create view r_zero.current_gate_decisions as
select * from r_zero.gate_decisions d
where d.recomputation_id is null
  and not exists (select from r_zero.gate_decisions n
                  where n.question_id = d.question_id and n.version > d.version and n.version > 1 and n.recomputation_id is null);

create view r_zero.current_audits as
select * from r_zero.audits a
where not exists (select from r_zero.audits n where n.question_id = a.question_id and n.oracle = a.oracle
                  and n.oracle_version > a.oracle_version)
  and not exists (select from r_zero.audits n where n.anchor_id = a.anchor_id and n.oracle = a.oracle
                  and n.oracle_version > a.oracle_version);

-- The kept data set: what the Solver was trained on, with its pseudo-labels.
create view r_zero.dataset as
select q.run_id, q.iteration, d.dataset_index, q.question_id, q.question, v.label, v.p_hat, v.majority, v.total,
       q.challenger_answer, q.checkpoint_id as challenger_checkpoint
from r_zero.current_gate_decisions d
join r_zero.questions q using (question_id)
join r_zero.current_votes v using (question_id)
where d.kept;

-- Generated, parsed, voted, kept: where the questions of an iteration went.
create view r_zero.funnel as
select q.run_id, q.iteration,
       count(*)::int as generated,
       count(*) filter (where q.status = 'valid')::int as parsed,
       count(*) filter (where v.majority > 0)::int as voted,
       count(*) filter (where d.kept)::int as kept,
       avg(v.p_hat) as mean_p_hat,
       avg(v.p_hat) filter (where d.kept) as mean_p_hat_kept
from r_zero.questions q
left join r_zero.current_votes v using (question_id)
left join r_zero.current_gate_decisions d using (question_id)
where q.phase = 'dataset_generation'
group by q.run_id, q.iteration;

-- Why each question that is not in the data set is not in it.
create view r_zero.funnel_reasons as
select q.run_id, q.iteration,
       case when q.status = 'invalid' then 'parsing' else 'gate' end as stage,
       coalesce(q.reason, d.reason, 'not decided yet') as reason,
       count(*)::int as questions
from r_zero.questions q
left join r_zero.current_gate_decisions d using (question_id)
where q.phase = 'dataset_generation' and d.kept is not true
group by 1, 2, 3, 4;
