CREATE TABLE "r_zero"."experiment_runs" (
	"experiment_id" text NOT NULL,
	"position" integer NOT NULL,
	"setting" text NOT NULL,
	"seed" bigint NOT NULL,
	"iterations" integer NOT NULL,
	"run_id" text NOT NULL,
	"input" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "experiment_runs_experiment_id_position_pk" PRIMARY KEY("experiment_id","position"),
	CONSTRAINT "experiment_runs_run_id_unique" UNIQUE("run_id"),
	CONSTRAINT "experiment_runs_cell" UNIQUE("experiment_id","setting","seed")
);
