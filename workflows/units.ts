/** The phases of an iteration: which activity does one shard or step of each, where it runs, and what it is called. */
import { proxyActivities } from '@temporalio/workflow';
import type { GpuActivities, OrchestrationActivities, Phase, UnitRef, UnitResult } from '../activities/contract.ts';
import { BULK_DATABASE_OPTIONS, GPU_OPTIONS, JUDGE_OPTIONS, gpuTaskQueue } from './activity-options.ts';

interface PhaseDefinition {
  /** For people, e.g. in progress tables. */
  title: string;
  /** What one unit is called in the timeline: `label shard 3/16`. */
  unitName: string;
  runUnit: (ref: UnitRef, summary: string) => Promise<UnitResult>;
}

type UnitActivity<A> = { [K in keyof A]: A[K] extends (ref: UnitRef) => Promise<UnitResult> ? K : never }[keyof A];

const gpu = proxyActivities<GpuActivities>(GPU_OPTIONS);
const database = proxyActivities<OrchestrationActivities>(BULK_DATABASE_OPTIONS);
const outside = proxyActivities<OrchestrationActivities>(JUDGE_OPTIONS);

function onGpu(activity: UnitActivity<GpuActivities>): PhaseDefinition['runUnit'] {
  return (ref, summary) => gpu[activity].executeWithOptions({ summary, taskQueue: gpuTaskQueue() }, [ref]);
}

function inDatabase(activity: 'gateQuestions' | 'auditLabels'): PhaseDefinition['runUnit'] {
  return (ref, summary) => database[activity].executeWithOptions({ summary }, [ref]);
}

/** Unit 0 is what code knows, unit 1 the judge, unit 2 what the questions mean. */
const audit: PhaseDefinition['runUnit'] = (ref, summary) => {
  if (ref.unit === 0) return inDatabase('auditLabels')(ref, summary);
  return outside[ref.unit === 1 ? 'judgeLabels' : 'measureDiversity'].executeWithOptions({ summary }, [ref]);
};

export const PHASES: Readonly<Record<Phase, PhaseDefinition>> = {
  challenger_training: {
    title: 'Challenger training',
    unitName: 'train challenger step',
    runUnit: onGpu('trainChallengerStep'),
  },
  dataset_generation: { title: 'Questions', unitName: 'generate shard', runUnit: onGpu('generateQuestions') },
  labelling: { title: 'Labelling', unitName: 'label shard', runUnit: onGpu('labelQuestions') },
  gating: { title: 'Gate', unitName: 'gate part', runUnit: inDatabase('gateQuestions') },
  solver_training: { title: 'Solver training', unitName: 'train solver step', runUnit: onGpu('trainSolverStep') },
  evaluation: { title: 'Evaluation', unitName: 'evaluate shard', runUnit: onGpu('evaluateSolver') },
  audit: { title: 'Label audit', unitName: 'audit part', runUnit: audit },
};

/** e.g. `label shard 3/16`; `unit` counts from 0. */
export function unitSummary(phase: Phase, unit: number, units: number): string {
  return `${PHASES[phase].unitName} ${unit + 1}/${units}`;
}
