import type pg from 'pg';

/** Everything a run stored that must not depend on when, where or how often interrupted it ran. */
export async function fingerprint(pool: pg.Pool, runId: string): Promise<Record<string, unknown[]>> {
  const place = 'iteration, phase, unit';
  const statements: Record<string, string> = {
    questions: `select ${place}, item, checkpoint_id, seed, completion, tokens, logprobs, status, reason, question from r_zero.questions where run_id = $1 order by ${place}, item`,
    answers: `select a.iteration, a.phase, a.unit, q.item, a.sample, a.checkpoint_id, a.seed, a.completion, a.extracted, a.mean_logprob from r_zero.answers a join r_zero.questions q using (question_id) where a.run_id = $1 order by a.iteration, a.phase, a.unit, q.item, a.sample`,
    votes: `select q.iteration, q.phase, q.unit, q.item, v.label, v.majority, v.total, v.classes from r_zero.votes v join r_zero.questions q using (question_id) where q.run_id = $1 order by 1, 2, 3, 4`,
    decisions: `select q.iteration, q.unit, q.item, d.kept, d.reason, d.dataset_index from r_zero.gate_decisions d join r_zero.questions q using (question_id) where d.run_id = $1 order by 1, 2, 3`,
    rollouts: `select ${place}, item, sample, label, checkpoint_id, seed, completion, logprobs from r_zero.rollouts where run_id = $1 order by ${place}, item, sample`,
    rewards: `select r.iteration, r.phase, r.unit, r.role, coalesce(q.item, o.item) as item, o.sample, r.total, r.computed, r.advantage from r_zero.rewards r left join r_zero.questions q using (question_id) left join r_zero.rollouts o using (rollout_id) where r.run_id = $1 order by 1, 2, 3, 4, 5, 6`,
    updates: `select ${place}, role, checkpoint_before, checkpoint_after, reference_checkpoint, loss, kl, gradient_norm from r_zero.policy_updates where run_id = $1 order by ${place}`,
    evaluations: `select e.iteration, e.mode, e.checkpoint_id, e.correct, e.worked, i.item, i.sample, i.completion from r_zero.evaluations e join r_zero.evaluation_items i using (evaluation_id) where e.run_id = $1 order by 1, 2, 6, 7`,
    audits: `select q.iteration, q.unit, q.item, a.label, a.truth, a.agrees from r_zero.audits a join r_zero.questions q using (question_id) where a.run_id = $1 order by 1, 2, 3`,
  };
  const result: Record<string, unknown[]> = {};
  for (const [name, statement] of Object.entries(statements))
    result[name] = (await pool.query(statement, [runId])).rows;
  return result;
}
