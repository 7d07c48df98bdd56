/** What runs noticed about themselves. */
import type pg from 'pg';
import { transaction } from '../client.ts';
import { insertRows } from '../bulk.ts';
import { runNotices } from '../schema.ts';

export type NewNotice = Omit<typeof runNotices.$inferInsert, 'noticeId' | 'createdAt'>;

/** Once: the same as a run's newest of its kind is no news. */
export async function insertNotice(pool: pg.Pool, notice: NewNotice): Promise<void> {
  await transaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `select from (select details from r_zero.run_notices where run_id = $1 and kind = $2 order by notice_id desc limit 1) n
       where details = $3`,
      [notice.runId, notice.kind, JSON.stringify(notice.details)],
    );
    if (!rowCount) await insertRows(client, runNotices, [notice]);
  });
}
