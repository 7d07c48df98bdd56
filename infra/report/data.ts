/** All that a report knows of a run, but for its questions: one state of the database, from SQL alone. */
import type pg from 'pg';
import type { RunConfig } from '../../activities/run-input.ts';
import { byPhase } from '../../activities/phases.ts';
import { gatePolicy } from '../../activities/gate-policy.ts';
import { readEvaluations, readLabels, readLabelShares } from '../../db/queries/report-accuracy.ts';
import type { EvaluationRow, LabelRow, LabelShareRow } from '../../db/queries/report-accuracy.ts';
import { readReportAlarms, readReportTakes } from '../../db/queries/report-alarms.ts';
import type { ReportAlarmRow, ReportTakeRow } from '../../db/queries/report-alarms.ts';
import { readClusters, readDiversity } from '../../db/queries/report-diversity.ts';
import type { ClusterRow, DiversityRow } from '../../db/queries/report-diversity.ts';
import { readSteps } from '../../db/queries/report-steps.ts';
import type { StepRow } from '../../db/queries/report-steps.ts';
import {
  readFunnel,
  readOrigins,
  readPhaseTimes,
  readPolicies,
  readReasons,
  readTrouble,
  readVoteShares,
} from '../../db/queries/report.ts';
import type {
  FunnelRow,
  OriginRow,
  PhaseTimeRow,
  PolicyRow,
  ReasonRow,
  TroubleRow,
  VoteShareRow,
} from '../../db/queries/report.ts';
import { readRunEvaluation } from '../../db/queries/run-evaluation.ts';
import type { RunEvaluation } from '../../db/queries/run-evaluation.ts';
import { readSemanticDiversity } from '../../db/queries/semantic-diversity.ts';
import type { SemanticRow } from '../../db/queries/semantic-diversity.ts';
import { getRun } from '../../db/queries/runs.ts';
import type { RunRow } from '../../db/queries/runs.ts';
import { readSummaries } from '../../db/queries/summary.ts';
import type { IterationRow } from '../../db/queries/summary.ts';
import type { Phase } from '../../activities/contract.ts';

export interface RunData {
  /** 0 for the run, 1 for the one beside it: its colour, and part of the ids of its tables. */
  index: number;
  run: RunRow;
  config: RunConfig;
  /** The gate's bounds of p̂. */
  band: { lower: number; upper: number };
  summaries: IterationRow[];
  evaluations: EvaluationRow[];
  evaluation: RunEvaluation;
  labels: LabelRow[];
  labelShares: LabelShareRow[];
  funnel: FunnelRow[];
  reasons: ReasonRow[];
  voteShares: VoteShareRow[];
  steps: StepRow[];
  clusters: ClusterRow[];
  diversity: DiversityRow[];
  meanings: SemanticRow[];
  times: PhaseTimeRow[];
  trouble: TroubleRow[];
  alarms: ReportAlarmRow[];
  takes: ReportTakeRow[];
  origins: OriginRow[];
  policies: PolicyRow[];
  /** When the newest of its rows was written; null before the first. */
  lastRow: Date | null;
}

/** @throws RZeroError `RunNotFound` */
export async function readRunData(client: pg.PoolClient, runId: string, index: number): Promise<RunData> {
  const run = await getRun(client, runId);
  const config = run.config as RunConfig;
  const { lower, upper } = gatePolicy(config);
  const times = await readPhaseTimes(client, runId);
  const ends = times.flatMap(({ last_finished_at: end }) => (end ? [end.getTime()] : []));
  return {
    index,
    run,
    config,
    band: { lower: lower.numerator / lower.denominator, upper: upper.numerator / upper.denominator },
    summaries: await readSummaries(client, runId),
    evaluations: await readEvaluations(client, runId),
    evaluation: await readRunEvaluation(client, runId),
    labels: await readLabels(client, runId),
    labelShares: await readLabelShares(client, runId),
    funnel: await readFunnel(client, runId),
    reasons: await readReasons(client, runId),
    voteShares: await readVoteShares(client, runId),
    steps: await readSteps(client, runId),
    clusters: await readClusters(client, runId),
    diversity: await readDiversity(client, runId),
    meanings: await readSemanticDiversity(client, runId),
    times: times.sort((a, b) => a.iteration - b.iteration || byPhase(phaseOf(a), phaseOf(b))),
    trouble: await readTrouble(client, runId),
    alarms: await readReportAlarms(client, runId),
    takes: await readReportTakes(client, runId),
    origins: await readOrigins(client, runId),
    policies: await readPolicies(client, runId),
    lastRow: ends.length > 0 ? new Date(Math.max(...ends)) : null,
  };
}

const phaseOf = ({ phase }: PhaseTimeRow): { phase: Phase } => ({ phase: phase as Phase });
