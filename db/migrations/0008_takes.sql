-- What a run may do again moves to r_zero_all, whole; views of the same names in r_zero show the current rows (db/views/00-current.sql).
-- Nothing is rewritten: tables change their schema, and new columns have constant defaults. Indexes of the keys are built anew.
DROP VIEW IF EXISTS "r_zero"."training_steps";--> statement-breakpoint
CREATE SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."answers" DROP CONSTRAINT "answers_unit_fk";--> statement-breakpoint
ALTER TABLE "r_zero"."audits" DROP CONSTRAINT "audits_unit_fk";--> statement-breakpoint
ALTER TABLE "r_zero"."evaluations" DROP CONSTRAINT "evaluations_unit_fk";--> statement-breakpoint
ALTER TABLE "r_zero"."gate_decisions" DROP CONSTRAINT "gate_decisions_unit_fk";--> statement-breakpoint
ALTER TABLE "r_zero"."policy_updates" DROP CONSTRAINT "policy_updates_unit_fk";--> statement-breakpoint
ALTER TABLE "r_zero"."questions" DROP CONSTRAINT "questions_unit_fk";--> statement-breakpoint
ALTER TABLE "r_zero"."rewards" DROP CONSTRAINT "rewards_unit_fk";--> statement-breakpoint
ALTER TABLE "r_zero"."rollouts" DROP CONSTRAINT "rollouts_unit_fk";--> statement-breakpoint
ALTER TABLE "r_zero"."attempts" DROP CONSTRAINT "attempts_phase_fk";--> statement-breakpoint
ALTER TABLE "r_zero"."units" DROP CONSTRAINT "units_phase_fk";--> statement-breakpoint
ALTER TABLE "r_zero"."phases" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."units" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."questions" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."answers" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."votes" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."gate_decisions" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."rollouts" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."rewards" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."policy_updates" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."evaluations" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."evaluation_items" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero"."audits" SET SCHEMA "r_zero_all";--> statement-breakpoint
ALTER TABLE "r_zero_all"."phases" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."units" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."questions" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."answers" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."votes" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."gate_decisions" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."rollouts" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."rewards" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."policy_updates" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."evaluations" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."evaluation_items" ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD COLUMN "take" integer DEFAULT 1 NOT NULL, ADD COLUMN "superseded_by" integer;--> statement-breakpoint
ALTER TABLE "r_zero"."attempts" ADD COLUMN "take" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "r_zero_all"."units" ADD COLUMN "input_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "r_zero_all"."phases" DROP CONSTRAINT "phases_run_id_iteration_phase_pk", ADD CONSTRAINT "phases_run_id_iteration_phase_take_pk" PRIMARY KEY("run_id","iteration","phase","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."units" DROP CONSTRAINT "units_run_id_iteration_phase_unit_pk", ADD CONSTRAINT "units_run_id_iteration_phase_unit_take_pk" PRIMARY KEY("run_id","iteration","phase","unit","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."policy_updates" DROP CONSTRAINT "policy_updates_run_id_iteration_phase_unit_pk", ADD CONSTRAINT "policy_updates_run_id_iteration_phase_unit_take_pk" PRIMARY KEY("run_id","iteration","phase","unit","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."votes" DROP CONSTRAINT "votes_question_id_version_pk", ADD CONSTRAINT "votes_question_id_version_take_pk" PRIMARY KEY("question_id","version","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."gate_decisions" DROP CONSTRAINT "gate_decisions_question_id_version_pk", ADD CONSTRAINT "gate_decisions_question_id_version_take_pk" PRIMARY KEY("question_id","version","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" DROP CONSTRAINT "audits_question_id_oracle_oracle_version_pk", ADD CONSTRAINT "audits_question_id_oracle_oracle_version_take_pk" PRIMARY KEY("question_id","oracle","oracle_version","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."answers" DROP CONSTRAINT "answers_natural_key", ADD CONSTRAINT "answers_natural_key" UNIQUE("question_id","sample","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."questions" DROP CONSTRAINT "questions_natural_key", ADD CONSTRAINT "questions_natural_key" UNIQUE("run_id","iteration","phase","unit","item","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."rollouts" DROP CONSTRAINT "rollouts_natural_key", ADD CONSTRAINT "rollouts_natural_key" UNIQUE("run_id","iteration","phase","unit","item","sample","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."gate_decisions" DROP CONSTRAINT "gate_decisions_dataset_index", ADD CONSTRAINT "gate_decisions_dataset_index" UNIQUE("run_id","iteration","version","dataset_index","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."evaluations" DROP CONSTRAINT "evaluations_natural_key", ADD CONSTRAINT "evaluations_natural_key" UNIQUE("run_id","iteration","set_name","mode","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."units" ADD CONSTRAINT "units_phase_fk" FOREIGN KEY ("run_id","iteration","phase","take") REFERENCES "r_zero_all"."phases"("run_id","iteration","phase","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."attempts" ADD CONSTRAINT "attempts_phase_fk" FOREIGN KEY ("run_id","iteration","phase","take") REFERENCES "r_zero_all"."phases"("run_id","iteration","phase","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."answers" ADD CONSTRAINT "answers_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit","take") REFERENCES "r_zero_all"."units"("run_id","iteration","phase","unit","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD CONSTRAINT "audits_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit","take") REFERENCES "r_zero_all"."units"("run_id","iteration","phase","unit","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."evaluations" ADD CONSTRAINT "evaluations_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit","take") REFERENCES "r_zero_all"."units"("run_id","iteration","phase","unit","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."gate_decisions" ADD CONSTRAINT "gate_decisions_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit","take") REFERENCES "r_zero_all"."units"("run_id","iteration","phase","unit","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."policy_updates" ADD CONSTRAINT "policy_updates_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit","take") REFERENCES "r_zero_all"."units"("run_id","iteration","phase","unit","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."questions" ADD CONSTRAINT "questions_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit","take") REFERENCES "r_zero_all"."units"("run_id","iteration","phase","unit","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."rewards" ADD CONSTRAINT "rewards_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit","take") REFERENCES "r_zero_all"."units"("run_id","iteration","phase","unit","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."rollouts" ADD CONSTRAINT "rollouts_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit","take") REFERENCES "r_zero_all"."units"("run_id","iteration","phase","unit","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE TABLE "r_zero"."run_inputs" (
	"run_id" text NOT NULL,
	"version" integer NOT NULL,
	"config" jsonb NOT NULL,
	"changes" jsonb NOT NULL,
	"reason" text,
	"requested_by" text NOT NULL,
	"code_version" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "run_inputs_run_id_version_pk" PRIMARY KEY("run_id","version"),
	CONSTRAINT "run_inputs_version" CHECK ("r_zero"."run_inputs"."version" >= 2)
);--> statement-breakpoint
CREATE TABLE "r_zero"."run_notices" (
	"notice_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."run_notices_notice_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"kind" text NOT NULL,
	"message" text NOT NULL,
	"details" jsonb NOT NULL,
	"code_version" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "run_notices_kind" CHECK ("r_zero"."run_notices"."kind" in ('orphan_checkpoints', 'database_behind'))
);--> statement-breakpoint
CREATE TABLE "r_zero"."takes" (
	"run_id" text NOT NULL,
	"take" integer NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"reason" text,
	"requested_by" text NOT NULL,
	"input_version" integer NOT NULL,
	"superseded" jsonb NOT NULL,
	"code_version" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "takes_run_id_take_pk" PRIMARY KEY("run_id","take"),
	CONSTRAINT "takes_take" CHECK ("r_zero"."takes"."take" >= 2),
	CONSTRAINT "takes_iteration" CHECK ("r_zero"."takes"."iteration" >= 0)
);--> statement-breakpoint
ALTER TABLE "r_zero"."run_inputs" ADD CONSTRAINT "run_inputs_run_id_runs_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "r_zero"."runs"("run_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."run_notices" ADD CONSTRAINT "run_notices_run_id_runs_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "r_zero"."runs"("run_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."takes" ADD CONSTRAINT "takes_run_id_runs_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "r_zero"."runs"("run_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "phases_current" ON "r_zero_all"."phases" USING btree ("run_id","iteration","phase") WHERE "r_zero_all"."phases"."superseded_by" is null;--> statement-breakpoint
CREATE INDEX "run_notices_run" ON "r_zero"."run_notices" USING btree ("run_id");