-- Rows are added, never changed: a correction is a row of the next version, and what is done again of the next take. Whoever owns the tables may still switch this off (`alter table
-- … disable trigger append_only`, to delete a run whole, say), which is a decision and no accident; `r-zero audit verify` sees what was done.
create or replace function r_zero.refuse_change() returns trigger language plpgsql as $$
begin
  -- Columns named by the trigger stay as they are; the others of its table say how far something is.
  if tg_op = 'UPDATE' and tg_nargs > 0 then
    if (select bool_and(to_jsonb(new) -> c is not distinct from to_jsonb(old) -> c) from unnest(tg_argv) c) then
      return new;
    end if;
  end if;
  raise exception 'Rows of r_zero.% are kept as they were written: % is refused.', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation',
          hint = case when tg_nargs > 0 then 'Columns that never change: ' || array_to_string(tg_argv, ', ') || '.'
                      else 'Write a correction as a row of the next version, where the table has one.' end;
end $$;

do $$
declare
  entry record;
  columns text;
begin
  for entry in
    select c.relname as name, t.frozen
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    -- Those of which some columns say how far something is, with the others. A table that is not named here is frozen as a whole.
    left join (values
      ('runs', 'run_id, seed, preset, preset_version, control, config, base_checkpoint_id, held_out_hash, anchor_hash, profile, profile_hash, code_version, created_at'),
      ('run_leases', 'run_id'),
      ('run_starts', 'start_id, run_id, namespace, workflow_id, first_execution_id, budget, started_at'),
      ('attempts', 'attempt_id, run_id, iteration, phase, unit, take, attempt, workflow_id, worker_pid, started_at')
    ) as t (name, frozen) on t.name = c.relname
    where n.nspname = 'r_zero' and c.relkind in ('r', 'p')
  loop
    execute format(
      'create or replace trigger append_only before update or delete on r_zero.%I for each row execute function r_zero.refuse_change(%s)',
      entry.name, (select coalesce(string_agg(quote_literal(c), ', '), '') from unnest(string_to_array(entry.frozen, ', ')) c));
    execute format(
      'create or replace trigger append_only_truncate before truncate on r_zero.%I execute function r_zero.refuse_change()', entry.name);
  end loop;
  -- What may be done again: a row is marked as superseded once, and nothing else of it changes. By columns, so that marking the rows of
  -- a whole run calls no function for each.
  for entry in
    select c.oid, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'r_zero_all' and c.relkind in ('r', 'p')
  loop
    select string_agg(quote_ident(attname), ', ') into columns
    from pg_attribute where attrelid = entry.oid and attnum > 0 and not attisdropped and attgenerated = '' and attname <> 'superseded_by';
    execute format(
      'create or replace trigger append_only before delete or update of %s on r_zero_all.%I for each row execute function r_zero.refuse_change()',
      columns, entry.name);
    execute format(
      'create or replace trigger superseded_once before update of superseded_by on r_zero_all.%I for each row
       when (old.superseded_by is not null or new.superseded_by is null) execute function r_zero.refuse_change()',
      entry.name);
    execute format(
      'create or replace trigger append_only_truncate before truncate on r_zero_all.%I execute function r_zero.refuse_change()', entry.name);
  end loop;
end $$;
