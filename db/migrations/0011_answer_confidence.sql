ALTER TABLE "r_zero_all"."anchor_answers" ADD COLUMN "mean_logprob" double precision;--> statement-breakpoint
ALTER TABLE "r_zero_all"."answers" ADD COLUMN "mean_logprob" double precision;