import type { RewardRow } from '../reward-rows.ts';
import { rewardsOf } from '../../db/queries/verification.ts';
import type { RewardRecord } from '../../db/queries/verification.ts';
import type { Place } from '../../db/queries/units.ts';
import type { VerifyContext } from './context.ts';

/**
 * Compares the stored rewards of some questions or rollouts with what they should be.
 *
 * @param expected by id; undefined where the reward cannot be made again, null where there should be none
 */
export async function verifyRewards(
  { client, findings }: VerifyContext,
  place: Place,
  subject: 'question_id' | 'rollout_id',
  expected: ReadonlyMap<number, RewardRow | null | undefined>,
): Promise<void> {
  const key = subject === 'question_id' ? 'questionId' : 'rolloutId';
  const stored = new Map<number, RewardRecord>();
  for (const record of await rewardsOf(client, subject, [...expected.keys()])) stored.set(record[key]!, record);
  for (const [id, wanted] of expected) {
    const record = stored.get(id);
    findings.examine('rewards');
    if (wanted === undefined) {
      findings.unverifiable++;
      if (!record) findings.missing('rewards', 'rewards', { [subject]: id });
    } else if (!record) {
      if (wanted) findings.missing('rewards', 'rewards', { [subject]: id });
    } else if (wanted === null) {
      findings.unexpected('rewards', 'rewards', { reward_id: record.rewardId });
    } else {
      const columns: Record<string, unknown> = { ...place, ...wanted };
      // Older rewards were stored without it.
      if (record.incomparable === null) delete columns['incomparable'];
      findings.compare('rewards', 'rewards', { reward_id: record.rewardId }, record, columns);
    }
  }
}
