/** Judges a phase that has ended, stores what was found, and says what the run shall do. */
import type { AlarmCheck, AlarmVerdict, RunInput } from '../contract.ts';
import { refuseUnlessWhole } from '../behind.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { gatePolicy } from '../gate-policy.ts';
import { leaseLost, leaseOwner } from '../lease.ts';
import type { RunConfig } from '../run-input.ts';
import {
  readHeldOutAnswers,
  readKeptLabels,
  readQuestions,
  readRepeatedTexts,
  readSolveRates,
  readTraining,
} from '../../db/queries/alarm-readings.ts';
import { bestIteration, countRollbacks, insertAlarms, readAlarms } from '../../db/queries/alarms.ts';
import type { AlarmRow } from '../../db/queries/alarms.ts';
import { readSemanticDiversity } from '../../db/queries/semantic-diversity.ts';
import type { SemanticRow } from '../../db/queries/semantic-diversity.ts';
import { getRun } from '../../db/queries/runs.ts';
import type { RunRow } from '../../db/queries/runs.ts';
import {
  judgeHeldOut,
  judgeLabels,
  judgeMeaning,
  judgeQuestions,
  judgeRepeatedTexts,
  judgeSolveRates,
  judgeTraining,
} from './judge.ts';
import type { Judgement } from './judge.ts';
import { actionOf, alarmFields } from './settings.ts';
import type { AlarmAction, AlarmSettings } from './settings.ts';

/** Who asks for a roll-back, in the rows of takes and inputs. */
const BY = 'alarm';

/** The gravest comes last. */
const GRAVITY: readonly AlarmAction[] = ['off', 'note', 'pause', 'rollback', 'stop'];

/**
 * Asked again, as an activity is whose answer was lost, it answers the same; under a later start of the run it asks for nothing
 * that an earlier one has asked for: who started it again knew.
 *
 * @throws RZeroError `RunConflict` when another workflow has the run; `DatabaseBehind` when the phase is not whole
 */
export async function checkAlarms(deps: ActivityDependencies, ref: AlarmCheck): Promise<AlarmVerdict> {
  const { database } = deps;
  await refuseUnlessWhole(deps, ref, ref.phase);
  const run = await getRun(database, ref.runId);
  const settings = settingsOf(run);
  let rows: (AlarmRow & { old?: boolean })[] = await readAlarms(database, ref);
  if (rows.length === 0) {
    rows = (await judge(deps, run, settings, ref)).map((judgement) => ({
      ...judgement,
      action: judgement.raised ? actionOf(settings, judgement.alarm, run.control) : 'note',
    }));
    if (!(await insertAlarms(database, ref, leaseOwner(ref.holder), rows))) throw await leaseLost(deps, ref);
  }
  const raised = rows.filter((row) => row.raised && row.old !== true && row.action !== 'off');
  return await verdictOn(deps, ref, run, settings, raised);
}

/** Runs that were stored before there were alarms have the defaults. */
function settingsOf(run: RunRow): AlarmSettings {
  return (run.config as Partial<RunConfig>).alarms ?? alarmFields.parse({});
}

async function judge(
  { database }: ActivityDependencies,
  run: RunRow,
  settings: AlarmSettings,
  { runId, iteration, phase }: AlarmCheck,
): Promise<Judgement[]> {
  const config = run.config as RunConfig;
  const repeated = async (of: 'challenger_training' | 'dataset_generation' | 'solver_training') => {
    const { topK, topP, minP } = config[of === 'solver_training' ? 'solver' : 'challenger'];
    // Of a truncated distribution the stored probabilities are not the ones that were sampled by.
    if (topK > 0 || topP < 1 || minP > 0) return [];
    const texts = await readRepeatedTexts(database, { runId, iteration, phase: of });
    return [judgeRepeatedTexts(texts, settings.sharedRandomness.logChance)];
  };
  switch (phase) {
    case 'challenger_training':
    case 'solver_training': {
      const reading = await readTraining(database, { runId, iteration, phase }, config.challenger.groupSize);
      return [...judgeTraining(reading, settings), ...(await repeated(phase))];
    }
    case 'dataset_generation': {
      const first = iteration > 1 ? await readQuestions(database, runId, 1) : undefined;
      const now = await readQuestions(database, runId, iteration);
      return [...judgeQuestions(now, first, settings), ...(await repeated(phase))];
    }
    case 'labelling':
      return [judgeSolveRates(await readSolveRates(database, runId, iteration), settings)];
    case 'evaluation':
      return judgeHeldOut(await readHeldOutAnswers(database, runId, iteration), settings);
    case 'audit':
      return [
        judgeLabels(await readKeptLabels(database, runId, iteration), settings),
        ...(config.diversity?.embedding
          ? [judgeMeaning(await measuredUpTo(database, runId, iteration), settings)]
          : []),
      ];
    default:
      return [];
  }
}

async function measuredUpTo(
  database: ActivityDependencies['database'],
  runId: string,
  iteration: number,
): Promise<SemanticRow[] | undefined> {
  const rows = (await readSemanticDiversity(database, runId)).filter((row) => row.iteration <= iteration);
  return rows.at(-1)?.iteration === iteration ? rows : undefined;
}

async function verdictOn(
  { database }: ActivityDependencies,
  { runId, iteration, phase }: AlarmCheck,
  run: RunRow,
  settings: AlarmSettings,
  raised: readonly AlarmRow[],
): Promise<AlarmVerdict> {
  const names = raised.map(({ alarm }) => alarm);
  const gravest = raised.toSorted((a, b) => gravityOf(b) - gravityOf(a))[0];
  if (!gravest || gravest.action === 'note') return { raised: names, action: 'none' };
  const reason = `Alarm ${gravest.alarm}: ${gravest.message}`;
  if (gravest.action !== 'rollback')
    return { raised: names, action: gravest.action === 'stop' ? 'stop' : 'pause', reason };
  const best = await bestIteration(database, runId, iteration);
  if (best === undefined) {
    return { raised: names, action: 'pause', reason: `${reason} There is no evaluated iteration to roll back to.` };
  }
  const done = await countRollbacks(database, runId, BY);
  const { most } = settings.rollback;
  const place = { iteration: best + 1, phase: 'challenger_training' as const };
  // Without a Challenger's training an iteration begins with its questions.
  const config = run.config as RunConfig;
  const first = config.challenger.steps > 0 ? place : { ...place, phase: 'dataset_generation' as const };
  if (done >= most) {
    const words = `${reason} It was rolled back ${done} times already: the run ends at its best iteration, ${best}.`;
    return { raised: names, action: 'rollback', reason: words, rollback: { ...first, by: BY, stop: true } };
  }
  const words = `${reason} In ${phase} of iteration ${iteration}; rolled back to the end of iteration ${best}.`;
  return {
    raised: names,
    action: 'rollback',
    reason: words,
    rollback: { ...first, by: BY, stop: false, input: milder(config, settings) },
  };
}

const gravityOf = ({ action }: AlarmRow): number => GRAVITY.indexOf(action as AlarmAction);

/** A narrower band around its middle, and lower learning rates. */
function milder(config: RunConfig, { rollback }: AlarmSettings): RunInput {
  const { lower, upper } = gatePolicy(config);
  const from = lower.numerator / lower.denominator;
  const to = upper.numerator / upper.denominator;
  const margin = Math.min(rollback.gateMargin, Math.max(0, (to - from) / 2 - 0.01));
  const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;
  const rate = (value: number): number => Number((value * rollback.learningRateFactor).toPrecision(6));
  return {
    gate: { lower: rounded(from + margin), upper: rounded(to - margin) },
    challenger: { learningRate: rate(config.challenger.learningRate) },
    solver: { learningRate: rate(config.solver.learningRate) },
  };
}
