/** What must hold for the rows of every finished run, as queries that count the rows for which it does not. */
import type pg from 'pg';

const BROKEN: Readonly<Record<string, string>> = {
  'a planned unit is missing': `select run_id, iteration, phase from r_zero.phase_progress where units_done <> units`,
  'a question of a labelled shard has not m answers': `
    select q.question_id from r_zero.questions q join r_zero.runs r using (run_id)
    where q.phase = 'dataset_generation' and q.status = 'valid'
      and (select count(*) from r_zero.answers a where a.question_id = q.question_id and a.phase = 'labelling')
          <> (r.config -> 'labelling' ->> 'votes')::int`,
  'a question of Challenger training has not m answers': `
    select q.question_id from r_zero.questions q join r_zero.runs r using (run_id)
    where q.phase = 'challenger_training' and q.status = 'valid'
      and (select count(*) from r_zero.answers a where a.question_id = q.question_id and a.phase = 'challenger_training')
          <> (r.config -> 'challenger' ->> 'votes')::int`,
  'a shard has not the questions it should have': `
    select q.run_id, q.unit from r_zero.questions q join r_zero.runs r using (run_id)
    where q.phase = 'dataset_generation' group by r.run_id, q.run_id, q.iteration, q.unit
    having count(*) <> (r.config -> 'labelling' ->> 'shardSize')::int`,
  'a question that could not be read was answered': `
    select a.answer_id from r_zero.answers a join r_zero.questions q using (question_id) where q.status <> 'valid'`,
  // Whether unparsable answers count in the denominator is a preset's choice.
  'a vote counts other answers than there are': `
    select v.question_id from r_zero.current_votes v
    cross join lateral (select count(*) as n from r_zero.answers a where a.question_id = v.question_id) a
    where v.total <> a.n and v.total + v.unparsable <> a.n`,
  'a readable question has no decision': `
    select q.question_id from r_zero.questions q left join r_zero.current_gate_decisions d using (question_id)
    where q.phase = 'dataset_generation' and q.status = 'valid' and d.question_id is null`,
  'a kept question lacks its label, its answers or the checkpoint trained on it': `
    select l.question_id from r_zero.lineage l
    where l.kept and (l.label is null or coalesce(l.answers, 0) = 0 or l.checkpoint_after is null
      or not exists (select from r_zero.checkpoints c where c.checkpoint_id = l.checkpoint_after))`,
  'a rollout is of a question that was not kept, or has another label': `
    select o.rollout_id from r_zero.rollouts o
    left join r_zero.current_gate_decisions d using (question_id) left join r_zero.current_votes v using (question_id)
    where d.kept is not true or v.label is distinct from o.label`,
  'a rollout or a question of Challenger training has no reward': `
    select o.rollout_id from r_zero.rollouts o left join r_zero.rewards w using (rollout_id) where w.reward_id is null
    union all
    select q.question_id from r_zero.questions q left join r_zero.rewards w using (question_id)
    where q.phase = 'challenger_training' and w.reward_id is null`,
  'a step does not start from the checkpoint that the step before left': `
    select run_id, unit from (
      select *, lag(checkpoint_after) over (partition by run_id, role order by iteration, unit) as left_behind
      from r_zero.policy_updates) u
    where left_behind <> checkpoint_before`,
  'a finished unit was worked on again': `
    select a.attempt_id from r_zero.attempts a join r_zero.units u using (run_id, iteration, phase, unit)
    where a.started_at > u.finished_at`,
};

/** @returns the names of what is broken, with the number of rows; empty when all is well. */
export async function findBroken(pool: pg.Pool): Promise<string[]> {
  const found: string[] = [];
  for (const [name, statement] of Object.entries(BROKEN)) {
    const { rowCount } = await pool.query(statement);
    if (rowCount !== 0) found.push(`${name} (${rowCount})`);
  }
  return found;
}
