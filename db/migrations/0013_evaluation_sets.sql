CREATE TABLE "r_zero_all"."evaluation_comparisons" (
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"unit" integer NOT NULL,
	"take" integer DEFAULT 1 NOT NULL,
	"set_name" text NOT NULL,
	"measure" text NOT NULL,
	"against" text NOT NULL,
	"against_iteration" integer NOT NULL,
	"items" integer NOT NULL,
	"value" double precision NOT NULL,
	"reference" double precision NOT NULL,
	"difference" double precision NOT NULL,
	"lower" double precision NOT NULL,
	"upper" double precision NOT NULL,
	"resamples" integer NOT NULL,
	"seed" text NOT NULL,
	"superseded_by" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "evaluation_comparisons_pk" PRIMARY KEY("run_id","iteration","set_name","measure","against","take"),
	CONSTRAINT "evaluation_comparisons_measure" CHECK ("r_zero_all"."evaluation_comparisons"."measure" in ('greedy', 'mean', 'majority')),
	CONSTRAINT "evaluation_comparisons_against" CHECK ("r_zero_all"."evaluation_comparisons"."against" in ('base', 'previous'))
);
--> statement-breakpoint
CREATE TABLE "r_zero"."run_evaluation_sets" (
	"run_id" text NOT NULL,
	"position" smallint NOT NULL,
	"set_name" text NOT NULL,
	"loader" text NOT NULL,
	"set_hash" text NOT NULL,
	"items" integer NOT NULL,
	"questions" integer NOT NULL,
	"samples" integer NOT NULL,
	"temperature" double precision NOT NULL,
	"max_tokens" integer NOT NULL,
	"grader" text NOT NULL,
	"prompt" text,
	"area" text NOT NULL,
	"measure" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "run_evaluation_sets_run_id_position_pk" PRIMARY KEY("run_id","position"),
	CONSTRAINT "run_evaluation_sets_name" UNIQUE("run_id","set_name"),
	CONSTRAINT "run_evaluation_sets_counts" CHECK ("r_zero"."run_evaluation_sets"."questions" between 1 and "r_zero"."run_evaluation_sets"."items" and "r_zero"."run_evaluation_sets"."samples" >= 0),
	CONSTRAINT "run_evaluation_sets_area" CHECK ("r_zero"."run_evaluation_sets"."area" in ('math', 'general', 'other')),
	CONSTRAINT "run_evaluation_sets_measure" CHECK ("r_zero"."run_evaluation_sets"."measure" in ('greedy', 'mean'))
);
--> statement-breakpoint
ALTER TABLE "r_zero_all"."evaluations" DROP CONSTRAINT "evaluations_natural_key";--> statement-breakpoint
ALTER TABLE "r_zero_all"."evaluation_comparisons" ADD CONSTRAINT "evaluation_comparisons_unit_fk" FOREIGN KEY ("run_id","iteration","phase","unit","take") REFERENCES "r_zero_all"."units"("run_id","iteration","phase","unit","take") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."run_evaluation_sets" ADD CONSTRAINT "run_evaluation_sets_run_id_runs_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "r_zero"."runs"("run_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."run_evaluation_sets" ADD CONSTRAINT "run_evaluation_sets_set_hash_evaluation_sets_set_hash_fk" FOREIGN KEY ("set_hash") REFERENCES "r_zero"."evaluation_sets"("set_hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."evaluations" ADD CONSTRAINT "evaluations_natural_key" UNIQUE("run_id","iteration","set_name","mode","unit","take");