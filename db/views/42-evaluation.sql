-- One row per evaluated set and iteration, shards together; iteration 0 is the base model. `score` is what counts in averages: mean@k for
-- the competitions that are too small for one answer a question, greedy accuracy for the others.
create view r_zero.evaluation_scores as
select e.run_id, e.iteration, e.set_name, s.loader, coalesce(s.area, 'other') as area,
       e.questions, e.greedy_accuracy, e.k, e.mean_at_k, e.majority_at_k,
       case s.measure when 'mean' then e.mean_at_k else e.greedy_accuracy end as score,
       -- While a phase goes on, some of its shards are missing.
       s.set_name is null or (e.greedy_questions = s.questions and (s.samples = 0 or e.sampled_questions = s.questions)) as is_whole
from (
  select run_id, iteration, set_name,
         greatest(sum(items) filter (where mode = 'greedy'), sum(items) filter (where mode = 'sampled'))::int as questions,
         sum(items) filter (where mode = 'greedy') as greedy_questions,
         sum(items) filter (where mode = 'sampled') as sampled_questions,
         sum(correct) filter (where mode = 'greedy')::double precision / sum(items) filter (where mode = 'greedy') as greedy_accuracy,
         max(samples_per_item) filter (where mode = 'sampled') as k,
         sum(correct) filter (where mode = 'sampled')::double precision
           / sum(items * samples_per_item) filter (where mode = 'sampled') as mean_at_k,
         sum(majority_correct) filter (where mode = 'sampled')::double precision
           / sum(items) filter (where mode = 'sampled') as majority_at_k
  from r_zero.evaluations group by run_id, iteration, set_name
) e
left join r_zero.run_evaluation_sets s using (run_id, set_name);

-- Averages over the named sets of a run, where all of them are evaluated. `math` and `general` are means over sets; `overall` is the mean of
-- `math` and of each general set, as in the tables of the public code; `micro` pools all questions.
create view r_zero.evaluation_averages as
select run_id, iteration, count(*)::int as sets, sum(questions)::int as questions,
       avg(score) filter (where area = 'math') as math,
       avg(score) filter (where area = 'general') as general,
       (coalesce(avg(score) filter (where area = 'math'), 0) + coalesce(sum(score) filter (where area = 'general'), 0))
         / nullif((count(*) filter (where area = 'math') > 0)::int + count(*) filter (where area = 'general'), 0) as overall,
       avg(score) as macro,
       sum(score * questions) / sum(questions) as micro
from r_zero.evaluation_scores
where loader is not null
group by run_id, iteration
having bool_and(is_whole)
   and count(*) = (select count(*) from r_zero.run_evaluation_sets s where s.run_id = evaluation_scores.run_id);

-- Generated questions that repeat a question of an evaluation set, or share much of its text: which, of which set, and what the gate made of
-- it. `kind` is exact (the same text up to white space), near (almost the same words, the same numbers), or ngram.
create view r_zero.contaminations as
select d.run_id, d.iteration, d.question_id, q.question,
       coalesce(d.inputs ->> 'heldOutSet', 'held-out') as set_name,
       (d.inputs ->> 'heldOut')::int as item,
       e.items -> (d.inputs ->> 'heldOut')::int ->> 'question' as set_question,
       d.inputs ->> 'heldOutKind' as kind,
       (d.inputs ->> 'heldOutSimilarity')::double precision as similarity,
       d.kept, d.reason
from r_zero.current_gate_decisions d
join r_zero.questions q using (question_id)
join r_zero.runs r on r.run_id = d.run_id
left join r_zero.run_evaluation_sets s on s.run_id = d.run_id and s.set_name = d.inputs ->> 'heldOutSet'
left join r_zero.evaluation_sets e on e.set_hash = coalesce(s.set_hash, r.held_out_hash)
where d.inputs ->> 'heldOut' is not null;
