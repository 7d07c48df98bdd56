CREATE TABLE "r_zero_all"."alarms" (
	"run_id" text NOT NULL,
	"iteration" integer NOT NULL,
	"phase" text NOT NULL,
	"take" integer DEFAULT 1 NOT NULL,
	"alarm" text NOT NULL,
	"raised" boolean NOT NULL,
	"action" text NOT NULL,
	"value" double precision,
	"threshold" double precision NOT NULL,
	"message" text NOT NULL,
	"start_id" bigint,
	"superseded_by" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "alarms_run_id_iteration_phase_take_alarm_pk" PRIMARY KEY("run_id","iteration","phase","take","alarm"),
	CONSTRAINT "alarms_action" CHECK ("r_zero_all"."alarms"."action" in ('off', 'note', 'pause', 'stop', 'rollback'))
);
--> statement-breakpoint
ALTER TABLE "r_zero_all"."alarms" ADD CONSTRAINT "alarms_start_id_run_starts_start_id_fk" FOREIGN KEY ("start_id") REFERENCES "r_zero"."run_starts"("start_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "r_zero_all"."alarms" ADD CONSTRAINT "alarms_phase_fk" FOREIGN KEY ("run_id","iteration","phase","take") REFERENCES "r_zero_all"."phases"("run_id","iteration","phase","take") ON DELETE no action ON UPDATE no action;