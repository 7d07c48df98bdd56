/** Holds units in the middle of their write, so that a fault can strike there, and so that none is over before its fault. */
import type pg from 'pg';
import type { Phase } from '../../../activities/contract.ts';

/** First half of the key of an advisory lock; the unit is the second. */
const LOCK = 724_051;

export interface GatedUnit {
  phase: Phase;
  unit: number;
}

/** Between a unit's own row and the rows of its work. */
export async function installGates(pool: pg.Pool): Promise<void> {
  await pool.query(`
    create function public.pass_gate() returns trigger language plpgsql as $$
    begin
      if new.iteration = 1 then perform pg_advisory_xact_lock_shared(${LOCK}, hashtext(new.phase || new.unit)); end if;
      return null;
    end $$;
    create trigger pass_gate after insert on r_zero_all.units for each row execute function public.pass_gate()`);
}

/** @returns the server's process whose unit waits at a gate; undefined when there is none */
export async function writerAtGate(pool: pg.Pool): Promise<number | undefined> {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid from pg_locks where locktype = 'advisory' and classid = $1 and not granted`,
    [LOCK],
  );
  return rows[0]?.pid;
}

export class UnitGates {
  readonly #pool: pg.Pool;
  readonly #closed = new Map<string, GatedUnit>();
  #client: pg.PoolClient | undefined;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async close(units: readonly GatedUnit[]): Promise<void> {
    for (const unit of units) this.#closed.set(keyOf(unit), unit);
    await this.keepClosed();
  }

  /** Closes them again when the server that held them has been away. */
  async keepClosed(): Promise<void> {
    if (this.#client || this.#closed.size === 0) return;
    const client = await this.#pool.connect();
    client.on('error', () => this.#letGo());
    this.#client = client;
    for (const key of this.#closed.keys()) await client.query('select pg_advisory_lock($1, hashtext($2))', [LOCK, key]);
  }

  async open(unit: GatedUnit): Promise<void> {
    const key = keyOf(unit);
    if (!this.#closed.delete(key)) return;
    const statement = 'select pg_advisory_unlock($1, hashtext($2))';
    // Without the server there is no lock either.
    await this.#client?.query(statement, [LOCK, key]).catch(() => this.#letGo());
  }

  openAll(): void {
    this.#closed.clear();
    this.#letGo();
  }

  #letGo(): void {
    this.#client?.release(true);
    this.#client = undefined;
  }
}

const keyOf = ({ phase, unit }: GatedUnit): string => `${phase}${unit}`;
