-- What each table and column means, for everyone who meets them in psql (`\d+ r_zero.questions`).
do $$
declare
  entry record;
begin
  -- Columns that mean the same wherever they occur.
  for entry in
    select format('%I.%I', n.nspname, c.relname) as relation, a.attname, d.description
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join (values
      ('run_id', 'Name of the run.'),
      ('iteration', 'Iteration, from 1; 0 is the base model.'),
      ('phase', 'Phase of the iteration that wrote the row.'),
      ('unit', 'Step or shard of the phase, from 0: the unit of retry, and of idempotency.'),
      ('take', 'Which doing of its phase the row is of: 1 the first, one more after every reset that reached it (r_zero.takes).'),
      ('superseded_by', 'The take that does it again; null for current rows, which are all that the view of this name in r_zero shows.'),
      ('requested_by', 'Who asked for it, as far as is known.'),
      ('created_at', 'When the row was written.'),
      ('question_id', 'The question (r_zero.questions).'),
      ('checkpoint_id', 'Content hash of the model: sha-256 of the checkpoint''s manifest.'),
      ('seed', 'Random stream of this sample: 64 bits, hexadecimal, derived from its place in the run.'),
      ('completion', 'What the model wrote, special tokens left out; a prefill of the run''s profile stands before it. Data, never to be executed.'),
      ('tokens', 'Token ids the model produced, the end token included.'),
      ('logprobs', 'Natural log-probability of each token under the policy that sampled it, at the temperature of its role (runs.config), before anything is cut off.'),
      ('finish_reason', 'stop: ended by an end token, or by a stop text of the run''s profile; length: cut off at maxTokens.'),
      ('extracted', 'Answer found in the completion; null when there is none.'),
      ('version', 'Version of this computation, 1 for the run''s own; a recomputation adds a row, it never overwrites.'),
      ('recomputation_id', 'The recomputation that the row belongs to; null for what the run itself computed and acted upon.'),
      ('sample', 'Number of the sample, from 0.'),
      ('item', 'Number of the item in its unit, from 0.')
    ) as d(name, description) on d.name = a.attname
    where n.nspname in ('r_zero', 'r_zero_all') and c.relkind = 'r'
  loop
    execute format('comment on column %s.%I is %L', entry.relation, entry.attname, entry.description);
  end loop;
end $$;

comment on schema r_zero is 'R-Zero runs: every question, answer, vote, decision, reward and checkpoint.';
comment on schema r_zero_all is 'What runs may do again after a reset, with the rows of all takes; views of these names in r_zero show the current ones.';

comment on table r_zero.runs is 'One row per run: what it was told, what it stands at.';
comment on column r_zero.runs.seed is 'Seed of every random choice of the run.';
comment on column r_zero.runs.preset is 'Method preset: default, paper or official-code.';
comment on column r_zero.runs.preset_version is 'Version of the preset''s arithmetic.';
comment on column r_zero.runs.control is 'none, or the control experiment: which part of the method was taken away or replaced.';
comment on column r_zero.runs.iterations is 'Number of iterations the run should reach.';
comment on column r_zero.runs.status is 'running, paused, parked (waits for a person), waiting (its budget is spent, the next start goes on), completed, failed or cancelled.';
comment on column r_zero.runs.status_reason is 'Why it has that status, in one sentence.';
comment on column r_zero.runs.config is 'The resolved run input it was started with, every default filled in; what was changed since is in r_zero.run_inputs.';
comment on column r_zero.runs.base_checkpoint_id is 'The base model both roles grew from.';
comment on column r_zero.runs.held_out_hash is 'Held-out questions the run is evaluated on (r_zero.evaluation_sets).';
comment on column r_zero.runs.anchor_hash is 'Questions with known answers that audit the labels (r_zero.evaluation_sets); null when there are none.';
comment on column r_zero.runs.profile is 'Prompts of both roles and the form of a question, as used.';
comment on column r_zero.runs.profile_hash is 'sha-256 of the profile.';
comment on column r_zero.runs.engine is 'What ran the arithmetic: engine, backend, version, device, threads, determinism.';
comment on column r_zero.runs.code_version is 'Version of temporal-r-zero that started the run.';
comment on column r_zero.runs.updated_at is 'Last change of this row.';

comment on table r_zero.evaluation_sets is 'Question sets that runs are evaluated on, as they were when the run began.';
comment on column r_zero.evaluation_sets.set_hash is 'sha-256 of the set''s file; of a named set, of its questions as they were read.';
comment on column r_zero.evaluation_sets.items is 'Questions and answers, in order; with choices and category where the set has them.';

comment on table r_zero.run_evaluation_sets is 'Named question sets that a run is evaluated on beside its model''s held-out questions, settled when it began.';
comment on column r_zero.run_evaluation_sets.position is 'In the order of the run input, from 0.';
comment on column r_zero.run_evaluation_sets.set_name is 'What rows and tables call it.';
comment on column r_zero.run_evaluation_sets.loader is 'How its file was read and its questions are asked: gsm8k, math-500, …, or file.';
comment on column r_zero.run_evaluation_sets.set_hash is 'The set (r_zero.evaluation_sets).';
comment on column r_zero.run_evaluation_sets.items is 'Questions of the set: generated questions are compared with all of them.';
comment on column r_zero.run_evaluation_sets.questions is 'Of these asked, from the front.';
comment on column r_zero.run_evaluation_sets.samples is 'Sampled answers per question beside the greedy one: k of mean@k and majority@k.';
comment on column r_zero.run_evaluation_sets.temperature is 'Of these samples.';
comment on column r_zero.run_evaluation_sets.max_tokens is 'Longest answer.';
comment on column r_zero.run_evaluation_sets.grader is 'official: as the public code grades the set; default: by the rules of the run''s preset.';
comment on column r_zero.run_evaluation_sets.prompt is 'Text around {question}; null for the Solver''s own prompt.';
comment on column r_zero.run_evaluation_sets.area is 'Which average it counts in: math, general or other.';
comment on column r_zero.run_evaluation_sets.measure is 'What counts in averages: greedy accuracy, or mean over the samples.';

comment on table r_zero.run_leases is 'The one workflow that may advance a run.';
comment on column r_zero.run_leases.namespace is 'Its Temporal namespace.';
comment on column r_zero.run_leases.workflow_id is 'Its workflow id.';
comment on column r_zero.run_leases.temporal_run_id is 'Its Temporal run id.';
comment on column r_zero.run_leases.acquired_at is 'Since when.';
comment on column r_zero.run_leases.renewed_at is 'Last sign of life from one of its activities.';

comment on table r_zero.experiment_runs is 'Cells of experiments: which runs belong together, and what each was to be started with.';
comment on column r_zero.experiment_runs.experiment_id is 'Name of the experiment.';
comment on column r_zero.experiment_runs.position is 'In the order in which they run, from 0.';
comment on column r_zero.experiment_runs.setting is 'Name of the setting: what is compared.';
comment on column r_zero.experiment_runs.seed is 'Seed of the run.';
comment on column r_zero.experiment_runs.iterations is 'Iterations it was to have when the cell was made; what the run has is in runs.iterations.';
comment on column r_zero.experiment_runs.run_id is 'The run of the cell; made when its turn comes.';
comment on column r_zero.experiment_runs.input is 'Input of rZeroRun, without runId, seed and iterations.';
comment on column r_zero.experiment_runs.created_at is 'When the cell was added.';

comment on table r_zero.run_starts is 'Every workflow that opened a run: a night, when a schedule starts it. What is done from there to the next start spends its budget.';
comment on column r_zero.run_starts.start_id is 'Order of the starts.';
comment on column r_zero.run_starts.namespace is 'Temporal namespace of the workflow.';
comment on column r_zero.run_starts.workflow_id is 'Its workflow id.';
comment on column r_zero.run_starts.first_execution_id is 'Temporal run id of its first execution; continue-as-new and reset belong to the same start.';
comment on column r_zero.run_starts.budget is 'Limits of this start: iterations, engineMinutes, minutes, tokens, questions; null when there is none.';
comment on column r_zero.run_starts.started_at is 'When it took the run.';
comment on column r_zero.run_starts.ended_at is 'When it ended; null while it goes on, or when its workflow was lost.';
comment on column r_zero.run_starts.end_status is 'completed, waiting (budget spent) or cancelled.';
comment on column r_zero.run_starts.end_reason is 'Why it ended, in one sentence.';

comment on table r_zero_all.alarms is 'What was judged when a phase had ended: every alarm, raised or not, with its numbers.';
comment on column r_zero_all.alarms.alarm is 'Name of the alarm, as in the run''s input.';
comment on column r_zero_all.alarms.raised is 'True when the threshold was passed beyond doubt.';
comment on column r_zero_all.alarms.action is 'What a raised one asks for: off, note, pause (waits for a person), stop or rollback; note for the others.';
comment on column r_zero_all.alarms.value is 'What was compared; null when there was nothing to compare.';
comment on column r_zero_all.alarms.threshold is 'With what it was compared.';
comment on column r_zero_all.alarms.message is 'The same in one sentence.';
comment on column r_zero_all.alarms.start_id is 'The start of the run under which it was judged (r_zero.run_starts).';

comment on table r_zero.takes is 'Resets of a run: everything from a phase of an iteration on is done again (r-zero run reset-to). Take 1 is the first and has no row.';
comment on column r_zero.takes.take is 'Number of the take that this reset began.';
comment on column r_zero.takes.phase is 'First phase, of that iteration, that is done again.';
comment on column r_zero.takes.reason is 'Why, in the words of who asked for it.';
comment on column r_zero.takes.input_version is 'Version of the run''s input with which it goes on (r_zero.run_inputs).';
comment on column r_zero.takes.superseded is 'Rows that it marked as superseded, by table.';
comment on column r_zero.takes.code_version is 'Version of temporal-r-zero that wrote it.';

comment on table r_zero.run_inputs is 'Settings changed after a run was started. Each unit says with which version it worked.';
comment on column r_zero.run_inputs.version is 'Version of the run''s input; 1 is what it was started with, runs.config.';
comment on column r_zero.run_inputs.config is 'The resolved input in full.';
comment on column r_zero.run_inputs.changes is 'What differs from the version before, by field: from, to.';
comment on column r_zero.run_inputs.reason is 'Why, in the words of who asked for it.';
comment on column r_zero.run_inputs.code_version is 'Version of temporal-r-zero that wrote it.';

comment on table r_zero.run_notices is 'What a run noticed about itself that a person should know.';
comment on column r_zero.run_notices.notice_id is 'Order of the notices.';
comment on column r_zero.run_notices.kind is 'database_behind: the workflow knew of finished work that the database lacks; orphan_checkpoints: checkpoints on disk without a row.';
comment on column r_zero.run_notices.message is 'In one sentence.';
comment on column r_zero.run_notices.details is 'What was found.';
comment on column r_zero.run_notices.code_version is 'Version of temporal-r-zero that wrote it.';

comment on table r_zero_all.phases is 'Plan of an iteration: how many units each phase has.';
comment on column r_zero_all.phases.units is 'Number of steps or shards.';

comment on table r_zero_all.units is 'Finished steps and shards; written in one transaction with all rows of the unit.';
comment on column r_zero_all.units.seconds is 'Working time of the attempt that finished it.';
comment on column r_zero_all.units.metrics is 'The numbers shown while the run goes on.';
comment on column r_zero_all.units.engine is 'What ran the arithmetic: backend, version, threads; null for work without a model.';
comment on column r_zero_all.units.tokens is 'Tokens that models sampled for it; null for units from before they were counted.';
comment on column r_zero_all.units.code_version is 'Version of this package that finished it; null for units from before it was stored.';
comment on column r_zero_all.units.input_version is 'Version of the run''s input that it worked with: 1 is runs.config, others are rows of run_inputs.';
comment on column r_zero_all.units.finished_at is 'When it was committed.';

comment on table r_zero.attempts is 'Every start of work on a unit. Without outcome: interrupted, or at work now.';
comment on column r_zero.attempts.attempt_id is 'Order of the attempts.';
comment on column r_zero.attempts.attempt is 'Temporal''s number of the attempt, from 1.';
comment on column r_zero.attempts.workflow_id is 'Workflow that asked for it.';
comment on column r_zero.attempts.worker_pid is 'Process id of the worker.';
comment on column r_zero.attempts.started_at is 'Start.';
comment on column r_zero.attempts.seen_at is 'Last sign of life while it works; how long an attempt took whose worker was killed.';
comment on column r_zero.attempts.finished_at is 'End; null when the worker was killed.';
comment on column r_zero.attempts.outcome is 'finished, superseded (another worker was first), failed or cancelled.';
comment on column r_zero.attempts.error_code is 'Stable code of the failure.';
comment on column r_zero.attempts.error_message is 'Its message.';

comment on table r_zero.checkpoints is 'Models on disk, named by their content.';
comment on column r_zero.checkpoints.bytes is 'Size of all files.';
comment on column r_zero.checkpoints.optimizer_step is 'Optimizer updates behind the weights.';
comment on column r_zero.checkpoints.location is 'Folder, relative to the data directory.';
comment on column r_zero.checkpoints.files is 'Files with sizes and sha-256.';
comment on column r_zero.checkpoints.base_checkpoint_id is 'Of low-rank adapters: the checkpoint of weights that they lie on; null for weights.';

comment on table r_zero.checkpoint_prunings is 'Files of checkpoints deleted on purpose (r-zero checkpoint prune); written before they go.';
comment on column r_zero.checkpoint_prunings.pruning_id is 'Order of the deletions.';
comment on column r_zero.checkpoint_prunings.what is 'weights: everything but the manifest; optimizer: the moments alone.';
comment on column r_zero.checkpoint_prunings.policy is 'Retention policy that selected it: keep iterations, keep last, keep every:N, or optimizer only.';
comment on column r_zero.checkpoint_prunings.bytes is 'Size of the files to delete.';
comment on column r_zero.checkpoint_prunings.code_version is 'Version of temporal-r-zero that deleted them.';

comment on table r_zero_all.questions is 'Everything the Challenger wrote, invalid output included.';
comment on column r_zero_all.questions.group_index is 'GRPO group in its step; null in data generation.';
comment on column r_zero_all.questions.status is 'valid, or invalid with a reason.';
comment on column r_zero_all.questions.reason is 'Why it could not be parsed.';
comment on column r_zero_all.questions.question is 'The question between its tags.';
comment on column r_zero_all.questions.challenger_answer is 'The Challenger''s own answer; never used as a label.';

comment on table r_zero_all.answers is 'Sampled Solver completions: m for each question.';
comment on column r_zero_all.answers.answer_id is 'The answer.';
comment on column r_zero_all.answers.mean_logprob is 'Mean natural log-probability of its tokens; null for answers from before it was stored.';

comment on table r_zero_all.votes is 'Vote over a question''s answers: the pseudo-label.';
comment on column r_zero_all.votes.preset is 'Preset whose rules were used.';
comment on column r_zero_all.votes.label is 'Pseudo-label; null when no answer could be read.';
comment on column r_zero_all.votes.majority is 'Answers that agree with the label: numerator of p-hat.';
comment on column r_zero_all.votes.total is 'Denominator of p-hat.';
comment on column r_zero_all.votes.p_hat is 'Empirical solve rate: majority / total.';
comment on column r_zero_all.votes.margin is 'Answers in the first class less those in the next; negative where weights overruled counts.';
comment on column r_zero_all.votes.entropy is 'Entropy of the classes, nats; null for votes from before it was stored.';
comment on column r_zero_all.votes.unparsable is 'Answers without a readable result: they joined no class.';
comment on column r_zero_all.votes.incomparable is 'Answers beyond the bounds of the grader''s work, compared as text or not at all; null for older votes.';
comment on column r_zero_all.votes.tie is 'True when another class is as large, or as heavy in a weighted vote.';
comment on column r_zero_all.votes.classes is 'Classes of equivalent answers, that of the label first: representative, count, sample numbers, share of the weight in a weighted vote.';

comment on table r_zero.recomputations is 'The method once more over a run''s stored texts: r-zero recompute. Views: recomputation_summary, recomputed_*.';
comment on column r_zero.recomputations.preset is 'Preset whose rules were used.';
comment on column r_zero.recomputations.preset_version is 'Version of the preset''s arithmetic.';
comment on column r_zero.recomputations.gate is 'The gate''s policy in full, the run''s own bounds included.';
comment on column r_zero.recomputations.code_version is 'Version of temporal-r-zero that computed it.';

comment on table r_zero_all.gate_decisions is 'Which questions train the Solver, and why the others do not.';
comment on column r_zero_all.gate_decisions.kept is 'True when the question is in the training set.';
comment on column r_zero_all.gate_decisions.reason is 'kept, or the first reason why not: invalid_question, no_label, held_out, text_filter, below_band, above_band, tie, duplicate, duplicate_earlier, near_duplicate, near_duplicate_earlier.';
comment on column r_zero_all.gate_decisions.policy is 'Name of the gate''s policy.';
comment on column r_zero_all.gate_decisions.policy_version is 'Its version.';
comment on column r_zero_all.gate_decisions.inputs is 'What the decision was made from: counts, bounds, rules, and the questions it repeats with their similarity.';
comment on column r_zero_all.gate_decisions.dataset_index is 'Place in the training set, from 0; null when dropped.';

comment on table r_zero_all.rollouts is 'Solver completions in training, one GRPO group per question of a step.';
comment on column r_zero_all.rollouts.rollout_id is 'The rollout.';
comment on column r_zero_all.rollouts.label is 'Pseudo-label it was rewarded against.';

comment on table r_zero_all.rewards is 'Reward of each rollout with all of its components.';
comment on column r_zero_all.rewards.reward_id is 'The reward.';
comment on column r_zero_all.rewards.role is 'challenger (of a question) or solver (of a rollout).';
comment on column r_zero_all.rewards.rollout_id is 'The rollout, for the Solver.';
comment on column r_zero_all.rewards.total is 'What the policy was trained with.';
comment on column r_zero_all.rewards.computed is 'What the method computed; differs from total in control runs only.';
comment on column r_zero_all.rewards.uncertainty is 'Challenger: uncertainty of the Solver.';
comment on column r_zero_all.rewards.repetition is 'Challenger: repetition penalty, before its weight.';
comment on column r_zero_all.rewards.cluster_size is 'Challenger: questions of the batch in the same cluster.';
comment on column r_zero_all.rewards.format is 'Share or points for the right form.';
comment on column r_zero_all.rewards.accuracy is 'Solver: 1 when the answer equals the pseudo-label.';
comment on column r_zero_all.rewards.incomparable is 'Solver: the answer was beyond the bounds of the grader''s work, so that accuracy 0 is no judgement; null for the Challenger and for older rewards.';
comment on column r_zero_all.rewards.advantage is 'Group-relative advantage.';

comment on table r_zero_all.policy_updates is 'One row per training step: from which checkpoint to which, and how it went.';
comment on column r_zero_all.policy_updates.role is 'Policy that was trained.';
comment on column r_zero_all.policy_updates.checkpoint_before is 'Policy that sampled the step''s rollouts.';
comment on column r_zero_all.policy_updates.checkpoint_after is 'Policy after the step.';
comment on column r_zero_all.policy_updates.reference_checkpoint is 'Start of the phase: reference of the KL term.';
comment on column r_zero_all.policy_updates.learning_rate is 'Learning rate of the step, warm-up and schedule applied.';
comment on column r_zero_all.policy_updates.updates is 'Optimizer updates in the step.';
comment on column r_zero_all.policy_updates.loss is 'Loss, mean over the updates that were not skipped; null when all were.';
comment on column r_zero_all.policy_updates.policy_loss is 'Loss without the KL term.';
comment on column r_zero_all.policy_updates.kl is 'Mean k3 estimate per token.';
comment on column r_zero_all.policy_updates.entropy is 'Mean entropy per token, nats.';
comment on column r_zero_all.policy_updates.clip_fraction is 'Share of tokens whose ratio was clipped.';
comment on column r_zero_all.policy_updates.gradient_norm is 'Global norm before clipping; null when not finite.';
comment on column r_zero_all.policy_updates.tokens is 'Completion tokens trained on.';
comment on column r_zero_all.policy_updates.padding_tokens is 'Tokens computed and masked out.';
comment on column r_zero_all.policy_updates.skipped is 'Updates skipped because the gradient was not finite.';
comment on column r_zero_all.policy_updates.seconds is 'Time in the optimizer updates.';
comment on column r_zero_all.policy_updates.memory_bytes is 'Resident memory of the engine''s process after an update, the largest.';
comment on column r_zero_all.policy_updates.peak_memory_bytes is 'Most that was resident during an update, without what a GPU holds; null for older updates.';

comment on table r_zero_all.evaluations is 'The Solver on held-out questions, a row for each shard; iteration 0 is the base model.';
comment on column r_zero_all.evaluations.evaluation_id is 'The evaluation.';
comment on column r_zero_all.evaluations.set_name is 'Name of the question set.';
comment on column r_zero_all.evaluations.set_hash is 'sha-256 of the set''s file.';
comment on column r_zero_all.evaluations.mode is 'greedy, or sampled: at temperature 1, or that of the set (r_zero.run_evaluation_sets).';
comment on column r_zero_all.evaluations.items is 'Questions.';
comment on column r_zero_all.evaluations.samples_per_item is 'Samples per question.';
comment on column r_zero_all.evaluations.correct is 'Correct samples.';
comment on column r_zero_all.evaluations.majority_correct is 'Questions whose majority answer is correct.';
comment on column r_zero_all.evaluations.worked is 'Samples with worked steps before the answer.';
comment on column r_zero_all.evaluations.worked_correct is 'Those of them that are correct.';

comment on table r_zero_all.evaluation_comparisons is 'How the Solver differs from an earlier one on the same questions, with a 95 % interval of a paired bootstrap over questions.';
comment on column r_zero_all.evaluation_comparisons.set_name is 'Name of the question set.';
comment on column r_zero_all.evaluation_comparisons.seed is 'Random stream of the resamples.';
comment on column r_zero_all.evaluation_comparisons.measure is 'greedy accuracy, mean over the samples, or majority of the samples.';
comment on column r_zero_all.evaluation_comparisons.against is 'base: the base model; previous: the iteration before.';
comment on column r_zero_all.evaluation_comparisons.against_iteration is 'The iteration compared with.';
comment on column r_zero_all.evaluation_comparisons.items is 'Questions.';
comment on column r_zero_all.evaluation_comparisons.value is 'Accuracy in this iteration, 0 to 1.';
comment on column r_zero_all.evaluation_comparisons.reference is 'Accuracy in the other.';
comment on column r_zero_all.evaluation_comparisons.difference is 'value - reference.';
comment on column r_zero_all.evaluation_comparisons.lower is '2.5 % quantile of the difference over the resamples.';
comment on column r_zero_all.evaluation_comparisons.upper is '97.5 % quantile.';
comment on column r_zero_all.evaluation_comparisons.resamples is 'How often the questions were drawn anew.';

comment on table r_zero_all.evaluation_items is 'Every sample of an evaluation.';
comment on column r_zero_all.evaluation_items.evaluation_id is 'The evaluation.';
comment on column r_zero_all.evaluation_items.item is 'Place in the set, from 0.';
comment on column r_zero_all.evaluation_items.question is 'Held-out question.';
comment on column r_zero_all.evaluation_items.expected is 'Its true answer.';
comment on column r_zero_all.evaluation_items.correct is 'Whether the extracted answer equals it.';
comment on column r_zero_all.evaluation_items.incomparable is 'The answer was beyond the bounds of the grader''s work and counts as not correct; null for older evaluations.';
comment on column r_zero_all.evaluation_items.worked is 'Whether steps come before the answer.';

comment on table r_zero_all.anchors is 'Questions with known answers, voted on beside those of a labelling shard; no gate, data set or count of questions sees them.';
comment on column r_zero_all.anchors.anchor_id is 'The anchor in this iteration.';
comment on column r_zero_all.anchors.item is 'Place in the set, from 0.';
comment on column r_zero_all.anchors.set_hash is 'The set (r_zero.evaluation_sets).';
comment on column r_zero_all.anchors.question is 'The question, as the set has it.';
comment on column r_zero_all.anchors.answer is 'Its known answer; nothing but audits sees it.';
comment on column r_zero_all.anchors.preset is 'Preset whose rules were used.';
comment on column r_zero_all.anchors.label is 'What the vote gives; null when no answer could be read.';
comment on column r_zero_all.anchors.majority is 'Answers in the largest class: numerator of p-hat.';
comment on column r_zero_all.anchors.total is 'Denominator of p-hat.';
comment on column r_zero_all.anchors.p_hat is 'Empirical solve rate: majority / total.';
comment on column r_zero_all.anchors.unparsable is 'Answers without a readable result: they joined no class.';
comment on column r_zero_all.anchors.tie is 'True when another class is as large.';
comment on column r_zero_all.anchors.classes is 'Classes of equivalent answers: representative, count, sample numbers.';

comment on table r_zero_all.anchor_answers is 'Sampled Solver completions for anchors.';
comment on column r_zero_all.anchor_answers.anchor_id is 'The anchor (r_zero.anchors).';
comment on column r_zero_all.anchor_answers.mean_logprob is 'Mean natural log-probability of its tokens; null for answers from before it was stored.';

comment on table r_zero.oracles is 'Judges and people that were asked about the labels of a run.';
comment on column r_zero.oracles.oracle_id is 'The oracle.';
comment on column r_zero.oracles.kind is 'judge or human.';
comment on column r_zero.oracles.oracle is 'Its name in r_zero.audits: judge:<model> or human:<annotator>.';
comment on column r_zero.oracles.version is 'A judge whose model, server, prompt or sampling is changed is the next version.';
comment on column r_zero.oracles.definition is 'A judge: model, server, prompt in full with its sha-256, sampling. A person: the name.';
comment on column r_zero.oracles.definition_hash is 'sha-256 of the definition.';
comment on column r_zero.oracles.self_test is 'Known cases that a judge got right before it was asked anything else: their number, and what they cost; null for people.';
comment on column r_zero.oracles.code_version is 'Version of temporal-r-zero that asked it first.';

comment on table r_zero_all.audits is 'Pseudo-labels compared with an oracle. Never used in training.';
comment on column r_zero_all.audits.audit_id is 'The verdict.';
comment on column r_zero_all.audits.unit is 'Unit of the phase that wrote the row; null for verdicts of judges and people, which are stored as they come.';
comment on column r_zero_all.audits.question_id is 'The question (r_zero.questions); null for an anchor.';
comment on column r_zero_all.audits.anchor_id is 'The anchor (r_zero.anchors); null for a question.';
comment on column r_zero_all.audits.oracle is 'Name of the oracle: computed (exact arithmetic), anchors (known answers), judge:<model> or human:<annotator>.';
comment on column r_zero_all.audits.oracle_version is 'Its version.';
comment on column r_zero_all.audits.oracle_id is 'The judge or person (r_zero.oracles); null for code and anchors.';
comment on column r_zero_all.audits.label is 'The pseudo-label that was audited.';
comment on column r_zero_all.audits.truth is 'What the oracle says is right; null when it only says whether the label is.';
comment on column r_zero_all.audits.agrees is 'Whether the label is true; null when the oracle was asked and cannot tell.';
comment on column r_zero_all.audits.reply is 'What a judge wrote, cut after 4,000 characters. Data, never to be executed.';
comment on column r_zero_all.audits.calls is 'Requests that the verdict took, tries included; null where nothing is asked.';
comment on column r_zero_all.audits.prompt_tokens is 'Tokens of the prompts, as the judge''s server counts them.';
comment on column r_zero_all.audits.completion_tokens is 'Tokens that were generated for it: by the judge, or by the Solver that voted on an anchor.';
comment on column r_zero_all.audits.seconds is 'Time it took: of the requests, or of the person.';

-- The views of current rows say the same as their tables.
do $$
declare
  entry record;
begin
  for entry in
    select c.oid, c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') as description
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'r_zero_all' and c.relkind = 'r'
  loop
    execute format('comment on view r_zero.%I is %L', entry.relname, entry.description);
  end loop;
  for entry in
    select c.relname, a.attname, col_description(c.oid, a.attnum) as description
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = 'r_zero_all' and c.relkind = 'r'
  loop
    execute format('comment on column r_zero.%I.%I is %L', entry.relname, entry.attname, entry.description);
  end loop;
end $$;
