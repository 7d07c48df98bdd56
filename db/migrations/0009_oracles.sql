CREATE TABLE "r_zero_all"."anchor_answers" (
	"anchor_id" bigint NOT NULL,
	"sample" smallint NOT NULL,
	"seed" text NOT NULL,
	"completion" text NOT NULL,
	"tokens" integer[] NOT NULL,
	"finish_reason" text NOT NULL,
	"extracted" text,
	"superseded_by" integer,
	CONSTRAINT "anchor_answers_anchor_id_sample_pk" PRIMARY KEY("anchor_id","sample"),
	CONSTRAINT "anchor_answers_finish_reason" CHECK ("r_zero_all"."anchor_answers"."finish_reason" in ('stop', 'length'))
);
--> statement-breakpoint
CREATE TABLE "r_zero_all"."anchors" (
	"anchor_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero_all"."anchors_anchor_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"take" integer DEFAULT 1 NOT NULL,
	"item" integer NOT NULL,
	"set_hash" text NOT NULL,
	"checkpoint_id" text NOT NULL,
	"question" text NOT NULL,
	"answer" text NOT NULL,
	"preset" text NOT NULL,
	"label" text,
	"majority" integer NOT NULL,
	"total" integer NOT NULL,
	"p_hat" double precision GENERATED ALWAYS AS (case when total > 0 then majority::double precision / total end) STORED,
	"unparsable" integer NOT NULL,
	"tie" boolean NOT NULL,
	"classes" jsonb NOT NULL,
	"superseded_by" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "anchors_natural_key" UNIQUE("run_id","iteration","phase","unit","item","take"),
	CONSTRAINT "anchors_phase" CHECK ("r_zero_all"."anchors"."phase" = 'labelling'),
	CONSTRAINT "anchors_counts" CHECK ("r_zero_all"."anchors"."majority" >= 0 and "r_zero_all"."anchors"."majority" <= "r_zero_all"."anchors"."total" and "r_zero_all"."anchors"."unparsable" >= 0),
	CONSTRAINT "anchors_label" CHECK (("r_zero_all"."anchors"."label" is null) = ("r_zero_all"."anchors"."majority" = 0))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."oracles" (
	"oracle_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."oracles_oracle_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"kind" text NOT NULL,
	"oracle" text NOT NULL,
	"version" integer NOT NULL,
	"definition" jsonb NOT NULL,
	"definition_hash" text NOT NULL,
	"self_test" jsonb,
	"code_version" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "oracles_version" UNIQUE("run_id","oracle","version"),
	CONSTRAINT "oracles_definition" UNIQUE("run_id","oracle","definition_hash"),
	CONSTRAINT "oracles_kind" CHECK ("r_zero"."oracles"."kind" in ('judge', 'human'))
);
--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" DROP CONSTRAINT "audits_question_id_oracle_oracle_version_take_pk";--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ALTER COLUMN "unit" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ALTER COLUMN "question_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ALTER COLUMN "truth" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ALTER COLUMN "agrees" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD COLUMN "audit_id" bigint PRIMARY KEY NOT NULL GENERATED ALWAYS AS IDENTITY (sequence name "r_zero_all"."audits_audit_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1);--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD COLUMN "anchor_id" bigint;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD COLUMN "oracle_id" bigint;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD COLUMN "reply" text;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD COLUMN "calls" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD COLUMN "prompt_tokens" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD COLUMN "completion_tokens" integer;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD COLUMN "seconds" double precision;--> statement-breakpoint
ALTER TABLE "r_zero"."runs" ADD COLUMN "anchor_hash" text;--> statement-breakpoint
ALTER TABLE "r_zero_all"."anchor_answers" ADD CONSTRAINT "anchor_answers_anchor_id_anchors_anchor_id_fk" FOREIGN KEY ("anchor_id") REFERENCES "r_zero_all"."anchors"("anchor_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."anchors" ADD CONSTRAINT "anchors_set_hash_evaluation_sets_set_hash_fk" FOREIGN KEY ("set_hash") REFERENCES "r_zero"."evaluation_sets"("set_hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."anchors" ADD CONSTRAINT "anchors_checkpoint_id_checkpoints_checkpoint_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "r_zero"."checkpoints"("checkpoint_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."anchors" ADD CONSTRAINT "anchors_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit","take") REFERENCES "r_zero_all"."units"("run_id","iteration","phase","unit","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."oracles" ADD CONSTRAINT "oracles_run_id_runs_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "r_zero"."runs"("run_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD CONSTRAINT "audits_anchor_id_anchors_anchor_id_fk" FOREIGN KEY ("anchor_id") REFERENCES "r_zero_all"."anchors"("anchor_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD CONSTRAINT "audits_oracle_id_oracles_oracle_id_fk" FOREIGN KEY ("oracle_id") REFERENCES "r_zero"."oracles"("oracle_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."runs" ADD CONSTRAINT "runs_anchor_hash_evaluation_sets_set_hash_fk" FOREIGN KEY ("anchor_hash") REFERENCES "r_zero"."evaluation_sets"("set_hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audits_oracle" ON "r_zero_all"."audits" USING btree ("oracle_id");--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD CONSTRAINT "audits_question" UNIQUE("question_id","oracle","oracle_version","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD CONSTRAINT "audits_anchor" UNIQUE("anchor_id","oracle","oracle_version","take");--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD CONSTRAINT "audits_subject" CHECK (num_nonnulls("r_zero_all"."audits"."question_id", "r_zero_all"."audits"."anchor_id") = 1);--> statement-breakpoint
ALTER TABLE "r_zero_all"."audits" ADD CONSTRAINT "audits_writer" CHECK (("r_zero_all"."audits"."unit" is null) = ("r_zero_all"."audits"."oracle_id" is not null));