import type { RZeroActivities } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkAlarms } from './alarms/check.ts';
import { auditLabels } from './audit.ts';
import { trainChallengerStep } from './challenger-training.ts';
import { evaluateSolver } from './evaluation.ts';
import { openExperiment, readExperimentRun } from './experiments.ts';
import { asFailure } from './failures.ts';
import { gateQuestions } from './filtering.ts';
import { measureDiversity } from './diversity/measure.ts';
import { judgeLabels } from './judging.ts';
import { labelQuestions } from './labelling.ts';
import { pauseSchedule, planNight } from './nights.ts';
import { generateQuestions } from './generation.ts';
import { pruneCheckpoints } from './pruning.ts';
import { changeRunInput, resetOwnRun } from './run-changes.ts';
import { beginIteration, changeStatus, extendRun, finishIteration, openRun } from './runs.ts';
import { trainSolverStep } from './solver-training.ts';
import { withHeartbeat } from './unit.ts';

export type { ActivityDependencies } from './dependencies.ts';

/** The activities of both task queues, bound to a database, an engine and a data folder. */
export function createActivities(deps: ActivityDependencies): RZeroActivities {
  return {
    openRun: coded((input, start) => withHeartbeat(() => openRun(deps, input, start))),
    extendRun: coded((extension) => extendRun(deps, extension)),
    setRunStatus: coded((change) => changeStatus(deps, change)),
    changeRunInput: coded((change) => changeRunInput(deps, change)),
    resetRun: coded((reset) => resetOwnRun(deps, reset)),
    beginIteration: coded((ref) => beginIteration(deps, ref)),
    pruneCheckpoints: coded((ref) => withHeartbeat(() => pruneCheckpoints(deps, ref))),
    finishIteration: coded((ref) => finishIteration(deps, ref)),
    planNight: coded((ref) => planNight(deps, ref)),
    pauseSchedule: coded(pauseSchedule),
    openExperiment: coded((input) => openExperiment(deps, input)),
    readExperimentRun: coded((cell) => readExperimentRun(deps, cell)),
    checkAlarms: coded((ref) => withHeartbeat(() => checkAlarms(deps, ref))),
    gateQuestions: (ref) => gateQuestions(deps, ref),
    auditLabels: (ref) => auditLabels(deps, ref),
    judgeLabels: (ref) => judgeLabels(deps, ref),
    measureDiversity: (ref) => measureDiversity(deps, ref),
    trainChallengerStep: (ref) => trainChallengerStep(deps, ref),
    generateQuestions: (ref) => generateQuestions(deps, ref),
    labelQuestions: (ref) => labelQuestions(deps, ref),
    trainSolverStep: (ref) => trainSolverStep(deps, ref),
    evaluateSolver: (ref) => evaluateSolver(deps, ref),
  };
}

/** Units map their failures in `runUnit`; the short activities do it here. */
function coded<I extends unknown[], O>(activity: (...input: I) => Promise<O>): (...input: I) => Promise<O> {
  return async (...input) => {
    try {
      return await activity(...input);
    } catch (error) {
      throw asFailure(error);
    }
  };
}
