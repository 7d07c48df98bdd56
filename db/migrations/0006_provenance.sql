ALTER TABLE "r_zero"."units" ADD COLUMN "code_version" text;--> statement-breakpoint
CREATE INDEX "audits_place" ON "r_zero"."audits" USING btree ("run_id","iteration");