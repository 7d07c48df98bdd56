/** What a run's row says twice. */
import { hashProfile } from '../profile.ts';
import type { VerifyContext } from './context.ts';

export function verifyRunRow({ findings, run, config, profile }: VerifyContext): void {
  const { seed, preset, control } = config;
  findings.compare('run', 'runs', { run_id: run.runId }, run, {
    seed,
    preset,
    control,
    profileHash: hashProfile(profile),
  });
}
