-- Roles to give to people and programs (`grant r_zero_read to alice`): r_zero_app writes what a worker writes, and can neither delete nor
-- change tables; r_zero_read reads. They belong to the whole server. Who may not create them is told so by `r-zero migrate`,
-- and everything works without them.
do $$
declare
  wanted text;
  entry record;
begin
  foreach wanted in array array['r_zero_app', 'r_zero_read'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception
        when insufficient_privilege then null;
        -- Another database of the same server is being migrated at this moment.
        when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
  if exists (select from pg_roles where rolname = 'r_zero_read') then
    grant usage on schema r_zero, r_zero_all, r_zero_migrations to r_zero_read;
    grant select on all tables in schema r_zero, r_zero_all, r_zero_migrations to r_zero_read;
  end if;
  if exists (select from pg_roles where rolname = 'r_zero_app') then
    grant usage on schema r_zero, r_zero_all, r_zero_migrations to r_zero_app;
    grant select on all tables in schema r_zero, r_zero_all, r_zero_migrations to r_zero_app;
    grant insert on all tables in schema r_zero_all to r_zero_app;
    -- A reset marks rows as done again, and does no more with them.
    for entry in select tablename as name from pg_tables where schemaname = 'r_zero_all' loop
      execute format('grant update (superseded_by) on r_zero_all.%I to r_zero_app', entry.name);
    end loop;
    for entry in
      select c.relname as name, exists (
          select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'append_only' and t.tgnargs = 0) as frozen
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'r_zero' and c.relkind in ('r', 'p')
    loop
      execute format('grant insert on r_zero.%I to r_zero_app', entry.name);
      -- Locking these needs the right to update, which the trigger refuses nevertheless.
      if not entry.frozen or entry.name in ('checkpoints', 'recomputations') then
        execute format('grant update on r_zero.%I to r_zero_app', entry.name);
      end if;
    end loop;
  end if;
end $$;
