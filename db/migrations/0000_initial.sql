CREATE SCHEMA "r_zero";
--> statement-breakpoint
CREATE TABLE "r_zero"."answers" (
	"answer_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."answers_answer_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"question_id" bigint NOT NULL,
	"sample" smallint NOT NULL,
	"checkpoint_id" text NOT NULL,
	"seed" text NOT NULL,
	"completion" text NOT NULL,
	"tokens" integer[] NOT NULL,
	"finish_reason" text NOT NULL,
	"extracted" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "answers_natural_key" UNIQUE("question_id","sample"),
	CONSTRAINT "answers_phase" CHECK ("r_zero"."answers"."phase" in ('challenger_training', 'labelling')),
	CONSTRAINT "answers_finish_reason" CHECK ("r_zero"."answers"."finish_reason" in ('stop', 'length'))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."attempts" (
	"attempt_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."attempts_attempt_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"attempt" integer NOT NULL,
	"workflow_id" text NOT NULL,
	"worker_pid" integer NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	"outcome" text,
	"error_code" text,
	"error_message" text,
	CONSTRAINT "attempts_outcome" CHECK ("r_zero"."attempts"."outcome" is null or "r_zero"."attempts"."outcome" in ('finished', 'superseded', 'failed', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."audits" (
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"question_id" bigint NOT NULL,
	"oracle" text NOT NULL,
	"oracle_version" integer NOT NULL,
	"label" text NOT NULL,
	"truth" text NOT NULL,
	"agrees" boolean NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "audits_question_id_oracle_oracle_version_pk" PRIMARY KEY("question_id","oracle","oracle_version")
);
--> statement-breakpoint
CREATE TABLE "r_zero"."checkpoints" (
	"checkpoint_id" text PRIMARY KEY NOT NULL,
	"bytes" bigint NOT NULL,
	"optimizer_step" integer NOT NULL,
	"location" text NOT NULL,
	"files" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "checkpoints_id_is_sha256" CHECK ("r_zero"."checkpoints"."checkpoint_id" ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "checkpoints_bytes_positive" CHECK ("r_zero"."checkpoints"."bytes" > 0)
);
--> statement-breakpoint
CREATE TABLE "r_zero"."evaluation_items" (
	"evaluation_id" bigint NOT NULL,
	"item" integer NOT NULL,
	"sample" smallint NOT NULL,
	"seed" text NOT NULL,
	"question" text NOT NULL,
	"expected" text NOT NULL,
	"completion" text NOT NULL,
	"extracted" text,
	"correct" boolean NOT NULL,
	"worked" boolean NOT NULL,
	CONSTRAINT "evaluation_items_evaluation_id_item_sample_pk" PRIMARY KEY("evaluation_id","item","sample")
);
--> statement-breakpoint
CREATE TABLE "r_zero"."evaluation_sets" (
	"set_hash" text PRIMARY KEY NOT NULL,
	"items" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "r_zero"."evaluations" (
	"evaluation_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."evaluations_evaluation_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"set_name" text NOT NULL,
	"set_hash" text NOT NULL,
	"mode" text NOT NULL,
	"checkpoint_id" text NOT NULL,
	"items" integer NOT NULL,
	"samples_per_item" integer NOT NULL,
	"correct" integer NOT NULL,
	"majority_correct" integer NOT NULL,
	"worked" integer NOT NULL,
	"worked_correct" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "evaluations_natural_key" UNIQUE("run_id","iteration","set_name","mode"),
	CONSTRAINT "evaluations_mode" CHECK ("r_zero"."evaluations"."mode" in ('greedy', 'sampled'))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."gate_decisions" (
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"question_id" bigint NOT NULL,
	"version" smallint DEFAULT 1 NOT NULL,
	"kept" boolean NOT NULL,
	"reason" text NOT NULL,
	"policy" text NOT NULL,
	"policy_version" integer NOT NULL,
	"inputs" jsonb NOT NULL,
	"dataset_index" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "gate_decisions_question_id_version_pk" PRIMARY KEY("question_id","version"),
	CONSTRAINT "gate_decisions_dataset_index" UNIQUE("run_id","iteration","version","dataset_index"),
	CONSTRAINT "gate_decisions_kept" CHECK ("r_zero"."gate_decisions"."kept" = ("r_zero"."gate_decisions"."reason" = 'kept') and "r_zero"."gate_decisions"."kept" = ("r_zero"."gate_decisions"."dataset_index" is not null))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."phases" (
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"units" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "phases_run_id_iteration_phase_pk" PRIMARY KEY("run_id","iteration","phase"),
	CONSTRAINT "phases_iteration" CHECK ("r_zero"."phases"."iteration" >= 0),
	CONSTRAINT "phases_units" CHECK ("r_zero"."phases"."units" >= 0),
	CONSTRAINT "phases_phase" CHECK ("r_zero"."phases"."phase" in ('challenger_training', 'dataset_generation', 'labelling', 'gating', 'solver_training', 'evaluation', 'audit'))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."policy_updates" (
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"role" text NOT NULL,
	"checkpoint_before" text NOT NULL,
	"checkpoint_after" text NOT NULL,
	"reference_checkpoint" text NOT NULL,
	"learning_rate" double precision NOT NULL,
	"updates" integer NOT NULL,
	"loss" double precision,
	"policy_loss" double precision,
	"kl" double precision,
	"entropy" double precision,
	"clip_fraction" double precision,
	"gradient_norm" double precision,
	"tokens" integer NOT NULL,
	"padding_tokens" integer NOT NULL,
	"skipped" integer NOT NULL,
	"seconds" double precision NOT NULL,
	"memory_bytes" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "policy_updates_run_id_iteration_phase_unit_pk" PRIMARY KEY("run_id","iteration","phase","unit"),
	CONSTRAINT "policy_updates_role" CHECK (("r_zero"."policy_updates"."role" = 'challenger' and "r_zero"."policy_updates"."phase" = 'challenger_training') or ("r_zero"."policy_updates"."role" = 'solver' and "r_zero"."policy_updates"."phase" = 'solver_training'))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."questions" (
	"question_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."questions_question_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"item" integer NOT NULL,
	"group_index" integer,
	"checkpoint_id" text NOT NULL,
	"seed" text NOT NULL,
	"completion" text NOT NULL,
	"tokens" integer[] NOT NULL,
	"logprobs" real[] NOT NULL,
	"finish_reason" text NOT NULL,
	"status" text NOT NULL,
	"reason" text,
	"question" text,
	"challenger_answer" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "questions_natural_key" UNIQUE("run_id","iteration","phase","unit","item"),
	CONSTRAINT "questions_phase" CHECK ("r_zero"."questions"."phase" in ('challenger_training', 'dataset_generation')),
	CONSTRAINT "questions_status" CHECK ("r_zero"."questions"."status" in ('valid', 'invalid')),
	CONSTRAINT "questions_valid_has_text" CHECK (("r_zero"."questions"."status" = 'valid') = ("r_zero"."questions"."question" is not null and "r_zero"."questions"."reason" is null)),
	CONSTRAINT "questions_finish_reason" CHECK ("r_zero"."questions"."finish_reason" in ('stop', 'length'))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."rewards" (
	"reward_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."rewards_reward_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"role" text NOT NULL,
	"question_id" bigint,
	"rollout_id" bigint,
	"version" smallint DEFAULT 1 NOT NULL,
	"total" double precision NOT NULL,
	"computed" double precision NOT NULL,
	"uncertainty" double precision,
	"repetition" double precision,
	"cluster_size" integer,
	"format" double precision NOT NULL,
	"accuracy" double precision,
	"advantage" double precision NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "rewards_question" UNIQUE("question_id","version"),
	CONSTRAINT "rewards_rollout" UNIQUE("rollout_id","version"),
	CONSTRAINT "rewards_role" CHECK ("r_zero"."rewards"."role" in ('challenger', 'solver')),
	CONSTRAINT "rewards_subject" CHECK (("r_zero"."rewards"."question_id" is not null) = ("r_zero"."rewards"."role" = 'challenger') and ("r_zero"."rewards"."rollout_id" is not null) = ("r_zero"."rewards"."role" = 'solver'))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."rollouts" (
	"rollout_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."rollouts_rollout_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"item" integer NOT NULL,
	"sample" smallint NOT NULL,
	"question_id" bigint NOT NULL,
	"label" text NOT NULL,
	"checkpoint_id" text NOT NULL,
	"seed" text NOT NULL,
	"completion" text NOT NULL,
	"tokens" integer[] NOT NULL,
	"logprobs" real[] NOT NULL,
	"finish_reason" text NOT NULL,
	"extracted" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "rollouts_natural_key" UNIQUE("run_id","iteration","phase","unit","item","sample"),
	CONSTRAINT "rollouts_phase" CHECK ("r_zero"."rollouts"."phase" = 'solver_training'),
	CONSTRAINT "rollouts_finish_reason" CHECK ("r_zero"."rollouts"."finish_reason" in ('stop', 'length'))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."run_leases" (
	"run_id" text PRIMARY KEY NOT NULL,
	"namespace" text NOT NULL,
	"workflow_id" text NOT NULL,
	"temporal_run_id" text NOT NULL,
	"acquired_at" timestamp with time zone DEFAULT now() NOT NULL,
	"renewed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "r_zero"."runs" (
	"run_id" text PRIMARY KEY NOT NULL,
	"seed" bigint NOT NULL,
	"preset" text NOT NULL,
	"preset_version" integer NOT NULL,
	"control" text NOT NULL,
	"iterations" integer NOT NULL,
	"status" text NOT NULL,
	"status_reason" text,
	"config" jsonb NOT NULL,
	"base_checkpoint_id" text NOT NULL,
	"held_out_hash" text,
	"profile" jsonb NOT NULL,
	"profile_hash" text NOT NULL,
	"engine" jsonb,
	"code_version" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "runs_status" CHECK ("r_zero"."runs"."status" in ('running', 'paused', 'parked', 'completed', 'failed', 'cancelled')),
	CONSTRAINT "runs_iterations_positive" CHECK ("r_zero"."runs"."iterations" >= 1)
);
--> statement-breakpoint
CREATE TABLE "r_zero"."units" (
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"seconds" double precision NOT NULL,
	"metrics" jsonb NOT NULL,
	"engine" jsonb,
	"finished_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "units_run_id_iteration_phase_unit_pk" PRIMARY KEY("run_id","iteration","phase","unit")
);
--> statement-breakpoint
CREATE TABLE "r_zero"."votes" (
	"question_id" bigint NOT NULL,
	"version" smallint DEFAULT 1 NOT NULL,
	"preset" text NOT NULL,
	"label" text,
	"majority" integer NOT NULL,
	"total" integer NOT NULL,
	"p_hat" double precision GENERATED ALWAYS AS (case when total > 0 then majority::double precision / total end) STORED,
	"unparsable" integer NOT NULL,
	"tie" boolean NOT NULL,
	"classes" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "votes_question_id_version_pk" PRIMARY KEY("question_id","version"),
	CONSTRAINT "votes_counts" CHECK ("r_zero"."votes"."majority" >= 0 and "r_zero"."votes"."majority" <= "r_zero"."votes"."total" and "r_zero"."votes"."unparsable" >= 0),
	CONSTRAINT "votes_label" CHECK (("r_zero"."votes"."label" is null) = ("r_zero"."votes"."majority" = 0))
);
--> statement-breakpoint
ALTER TABLE "r_zero"."answers" ADD CONSTRAINT "answers_question_id_questions_question_id_fk" FOREIGN KEY ("question_id") REFERENCES "r_zero"."questions"("question_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."answers" ADD CONSTRAINT "answers_checkpoint_id_checkpoints_checkpoint_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "r_zero"."checkpoints"("checkpoint_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."answers" ADD CONSTRAINT "answers_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit") REFERENCES "r_zero"."units"("run_id","iteration","phase","unit") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."attempts" ADD CONSTRAINT "attempts_phase_fk" FOREIGN KEY ("run_id","iteration","phase") REFERENCES "r_zero"."phases"("run_id","iteration","phase") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."audits" ADD CONSTRAINT "audits_question_id_questions_question_id_fk" FOREIGN KEY ("question_id") REFERENCES "r_zero"."questions"("question_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."audits" ADD CONSTRAINT "audits_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit") REFERENCES "r_zero"."units"("run_id","iteration","phase","unit") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."evaluation_items" ADD CONSTRAINT "evaluation_items_evaluation_id_evaluations_evaluation_id_fk" FOREIGN KEY ("evaluation_id") REFERENCES "r_zero"."evaluations"("evaluation_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."evaluations" ADD CONSTRAINT "evaluations_set_hash_evaluation_sets_set_hash_fk" FOREIGN KEY ("set_hash") REFERENCES "r_zero"."evaluation_sets"("set_hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."evaluations" ADD CONSTRAINT "evaluations_checkpoint_id_checkpoints_checkpoint_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "r_zero"."checkpoints"("checkpoint_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."evaluations" ADD CONSTRAINT "evaluations_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit") REFERENCES "r_zero"."units"("run_id","iteration","phase","unit") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."gate_decisions" ADD CONSTRAINT "gate_decisions_question_id_questions_question_id_fk" FOREIGN KEY ("question_id") REFERENCES "r_zero"."questions"("question_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."gate_decisions" ADD CONSTRAINT "gate_decisions_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit") REFERENCES "r_zero"."units"("run_id","iteration","phase","unit") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."phases" ADD CONSTRAINT "phases_run_id_runs_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "r_zero"."runs"("run_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."policy_updates" ADD CONSTRAINT "policy_updates_checkpoint_before_checkpoints_checkpoint_id_fk" FOREIGN KEY ("checkpoint_before") REFERENCES "r_zero"."checkpoints"("checkpoint_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."policy_updates" ADD CONSTRAINT "policy_updates_checkpoint_after_checkpoints_checkpoint_id_fk" FOREIGN KEY ("checkpoint_after") REFERENCES "r_zero"."checkpoints"("checkpoint_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."policy_updates" ADD CONSTRAINT "policy_updates_reference_checkpoint_checkpoints_checkpoint_id_fk" FOREIGN KEY ("reference_checkpoint") REFERENCES "r_zero"."checkpoints"("checkpoint_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."policy_updates" ADD CONSTRAINT "policy_updates_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit") REFERENCES "r_zero"."units"("run_id","iteration","phase","unit") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."questions" ADD CONSTRAINT "questions_checkpoint_id_checkpoints_checkpoint_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "r_zero"."checkpoints"("checkpoint_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."questions" ADD CONSTRAINT "questions_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit") REFERENCES "r_zero"."units"("run_id","iteration","phase","unit") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."rewards" ADD CONSTRAINT "rewards_question_id_questions_question_id_fk" FOREIGN KEY ("question_id") REFERENCES "r_zero"."questions"("question_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."rewards" ADD CONSTRAINT "rewards_rollout_id_rollouts_rollout_id_fk" FOREIGN KEY ("rollout_id") REFERENCES "r_zero"."rollouts"("rollout_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."rewards" ADD CONSTRAINT "rewards_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit") REFERENCES "r_zero"."units"("run_id","iteration","phase","unit") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."rollouts" ADD CONSTRAINT "rollouts_question_id_questions_question_id_fk" FOREIGN KEY ("question_id") REFERENCES "r_zero"."questions"("question_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."rollouts" ADD CONSTRAINT "rollouts_checkpoint_id_checkpoints_checkpoint_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "r_zero"."checkpoints"("checkpoint_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."rollouts" ADD CONSTRAINT "rollouts_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit") REFERENCES "r_zero"."units"("run_id","iteration","phase","unit") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."run_leases" ADD CONSTRAINT "run_leases_run_id_runs_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "r_zero"."runs"("run_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."runs" ADD CONSTRAINT "runs_base_checkpoint_id_checkpoints_checkpoint_id_fk" FOREIGN KEY ("base_checkpoint_id") REFERENCES "r_zero"."checkpoints"("checkpoint_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."runs" ADD CONSTRAINT "runs_held_out_hash_evaluation_sets_set_hash_fk" FOREIGN KEY ("held_out_hash") REFERENCES "r_zero"."evaluation_sets"("set_hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."units" ADD CONSTRAINT "units_phase_fk" FOREIGN KEY ("run_id","iteration","phase") REFERENCES "r_zero"."phases"("run_id","iteration","phase") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."votes" ADD CONSTRAINT "votes_question_id_questions_question_id_fk" FOREIGN KEY ("question_id") REFERENCES "r_zero"."questions"("question_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "answers_place" ON "r_zero"."answers" USING btree ("run_id","iteration","phase","unit");--> statement-breakpoint
CREATE INDEX "attempts_place" ON "r_zero"."attempts" USING btree ("run_id","iteration","phase","unit");--> statement-breakpoint
CREATE INDEX "rewards_place" ON "r_zero"."rewards" USING btree ("run_id","iteration","phase","unit");--> statement-breakpoint
CREATE INDEX "rollouts_question" ON "r_zero"."rollouts" USING btree ("question_id");