CREATE TABLE "r_zero"."recomputations" (
	"recomputation_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "r_zero"."recomputations_recomputation_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"version" smallint NOT NULL,
	"preset" text NOT NULL,
	"preset_version" integer NOT NULL,
	"gate" jsonb NOT NULL,
	"code_version" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "recomputations_run_version" UNIQUE("run_id","version"),
	CONSTRAINT "recomputations_version" CHECK ("r_zero"."recomputations"."version" >= 2)
);
--> statement-breakpoint
ALTER TABLE "r_zero"."evaluation_items" ADD COLUMN "incomparable" boolean;--> statement-breakpoint
ALTER TABLE "r_zero"."gate_decisions" ADD COLUMN "recomputation_id" bigint;--> statement-breakpoint
ALTER TABLE "r_zero"."rewards" ADD COLUMN "incomparable" boolean;--> statement-breakpoint
ALTER TABLE "r_zero"."rewards" ADD COLUMN "recomputation_id" bigint;--> statement-breakpoint
ALTER TABLE "r_zero"."votes" ADD COLUMN "margin" integer GENERATED ALWAYS AS (coalesce((classes -> 0 ->> 'count')::integer, 0) - coalesce((classes -> 1 ->> 'count')::integer, 0)) STORED;--> statement-breakpoint
ALTER TABLE "r_zero"."votes" ADD COLUMN "entropy" double precision;--> statement-breakpoint
ALTER TABLE "r_zero"."votes" ADD COLUMN "incomparable" integer;--> statement-breakpoint
ALTER TABLE "r_zero"."votes" ADD COLUMN "recomputation_id" bigint;--> statement-breakpoint
ALTER TABLE "r_zero"."recomputations" ADD CONSTRAINT "recomputations_run_id_runs_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "r_zero"."runs"("run_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."gate_decisions" ADD CONSTRAINT "gate_decisions_recomputation_fk" FOREIGN KEY ("recomputation_id") REFERENCES "r_zero"."recomputations"("recomputation_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."rewards" ADD CONSTRAINT "rewards_recomputation_fk" FOREIGN KEY ("recomputation_id") REFERENCES "r_zero"."recomputations"("recomputation_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero"."votes" ADD CONSTRAINT "votes_recomputation_fk" FOREIGN KEY ("recomputation_id") REFERENCES "r_zero"."recomputations"("recomputation_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "gate_decisions_recomputation" ON "r_zero"."gate_decisions" USING btree ("recomputation_id") WHERE "r_zero"."gate_decisions"."recomputation_id" is not null;--> statement-breakpoint
CREATE INDEX "rewards_recomputation" ON "r_zero"."rewards" USING btree ("recomputation_id") WHERE "r_zero"."rewards"."recomputation_id" is not null;--> statement-breakpoint
CREATE INDEX "votes_recomputation" ON "r_zero"."votes" USING btree ("recomputation_id") WHERE "r_zero"."votes"."recomputation_id" is not null;