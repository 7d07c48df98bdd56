CREATE TABLE "r_zero"."run_starts" (
	"start_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."run_starts_start_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"namespace" text NOT NULL,
	"workflow_id" text NOT NULL,
	"first_execution_id" text NOT NULL,
	"budget" jsonb,
	"started_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"ended_at" timestamp with time zone,
	"end_status" text,
	"end_reason" text,
	CONSTRAINT "run_starts_execution" UNIQUE("run_id","namespace","first_execution_id"),
	CONSTRAINT "run_starts_end" CHECK (("r_zero"."run_starts"."ended_at" is null) = ("r_zero"."run_starts"."end_status" is null))
);
--> statement-breakpoint
ALTER TABLE "r_zero"."runs" DROP CONSTRAINT "runs_status";--> statement-breakpoint
ALTER TABLE "r_zero"."attempts" ADD COLUMN "seen_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "r_zero"."units" ADD COLUMN "tokens" bigint;--> statement-breakpoint
ALTER TABLE "r_zero"."run_starts" ADD CONSTRAINT "run_starts_run_id_runs_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "r_zero"."runs"("run_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."runs" ADD CONSTRAINT "runs_status" CHECK ("r_zero"."runs"."status" in ('running', 'paused', 'parked', 'waiting', 'completed', 'failed', 'cancelled'));