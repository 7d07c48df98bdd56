CREATE TABLE "r_zero"."checkpoint_prunings" (
	"pruning_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."checkpoint_prunings_pruning_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"checkpoint_id" text NOT NULL,
	"what" text NOT NULL,
	"run_id" text NOT NULL,
	"policy" text NOT NULL,
	"bytes" bigint NOT NULL,
	"code_version" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "checkpoint_prunings_what" CHECK ("r_zero"."checkpoint_prunings"."what" in ('weights', 'optimizer'))
);
--> statement-breakpoint
ALTER TABLE "r_zero"."checkpoint_prunings" ADD CONSTRAINT "checkpoint_prunings_checkpoint_id_checkpoints_checkpoint_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "r_zero"."checkpoints"("checkpoint_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."checkpoint_prunings" ADD CONSTRAINT "checkpoint_prunings_run_id_runs_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "r_zero"."runs"("run_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "checkpoint_prunings_checkpoint" ON "r_zero"."checkpoint_prunings" USING btree ("checkpoint_id");