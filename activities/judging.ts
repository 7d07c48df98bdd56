import type { UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { KEY_VARIABLE } from './oracles/chat-client.ts';
import { judgeLabels as judge } from './oracles/judge.ts';
import { runUnit } from './unit.ts';

/**
 * Has the run's judge look at a sample of the iteration's labels. Its verdicts are stored one by one, before the unit is finished: they
 * have been paid for, and a second attempt asks only for what is missing.
 */
export function judgeLabels(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'audit', ref, async ({ run, config, place, call }) => {
    const settings = config.oracles?.judge;
    // Its place in the plan is kept where another part comes after it.
    if (!settings) return { usesModel: false, metrics: {}, write: () => Promise.resolve() };
    const report = await judge(deps.database, {
      run,
      iteration: place.iteration,
      settings,
      apiKey: process.env[KEY_VARIABLE],
      codeVersion: deps.codeVersion,
      ...(call.signal ? { signal: call.signal } : {}),
    });
    // Beside those of the other unit of the phase, which has an `agreeing` of its own.
    const metrics = Object.fromEntries(
      Object.entries(report).map(([name, value]) => [`judge${name[0]!.toUpperCase()}${name.slice(1)}`, value]),
    );
    return { usesModel: false, metrics, write: () => Promise.resolve() };
  });
}
