/**
 * Numbers of the work for Prometheus or OTLP, through the meter of the host's Temporal runtime; without an exporter they go nowhere.
 * Labels are of few values: a run, a phase, a role. The iteration is a value and no label, or series would grow with every night.
 */
import { Context } from '@temporalio/activity';
import type { Phase, Role } from './contract.ts';
import type { TrainMetrics } from './engine/types.ts';
import type { Place } from '../db/queries/units.ts';

const ROLE_OF: Readonly<Record<Phase, Role | 'none'>> = {
  challenger_training: 'challenger',
  dataset_generation: 'challenger',
  labelling: 'solver',
  gating: 'none',
  solver_training: 'solver',
  evaluation: 'solver',
  audit: 'none',
};

/** Numbers of a unit's row that add up, and the counter of each. */
const COUNTED: Readonly<Record<string, readonly [name: string, description: string]>> = {
  decodedRows: ['r_zero_decoded_rows_total', 'Rows of the batch times steps of decoding'],
  idleRows: ['r_zero_idle_rows_total', 'Of these, rows that had ended and waited for the others'],
  promptTokens: ['r_zero_prompt_tokens_total', 'Tokens of prompts run through a model'],
  promptPaddingTokens: ['r_zero_prompt_padding_tokens_total', 'Padding that was run with them'],
};

/** Numbers of a unit's row that are shown as they are. */
const SHOWN: Readonly<Record<string, readonly [name: string, description: string]>> = {
  meanReward: ['r_zero_mean_reward', 'Mean reward of the last training step'],
  meanPHat: ['r_zero_mean_solve_rate', 'Mean share of answers that agree with the majority, of the last shard or step'],
  greedyAccuracy: ['r_zero_greedy_accuracy', 'Held-out accuracy, greedy, of the last evaluation'],
  sampledAccuracy: ['r_zero_sampled_accuracy', 'Held-out accuracy, sampled, of the last evaluation'],
};

export interface FinishedUnit {
  /** At work, of the try that succeeded. */
  seconds: number;
  usesModel: boolean;
  /** Sampled. */
  tokens: number;
  metrics: Readonly<Record<string, number>>;
  /** Questions by what the gate decided: `kept`, or why not. */
  decisions?: Readonly<Record<string, number>> | undefined;
}

/** How long the unit waited for a worker. To be called once, at its start. */
export function recordStart(place: Place): void {
  const { metricMeter, info } = Context.current();
  const waited = Math.max(0, Date.now() - info.currentAttemptScheduledTimestampMs) / 1000;
  metricMeter
    .createHistogram('r_zero_queue_seconds', 'float', 's', 'From the order to the start of a shard or step')
    .record(waited, labelsOf(place));
}

export function recordUnit(place: Place, { seconds, usesModel, tokens, metrics, decisions = {} }: FinishedUnit): void {
  const { metricMeter: meter } = Context.current();
  const labels = labelsOf(place);
  meter
    .createHistogram('r_zero_unit_seconds', 'float', 's', 'At work on a shard or step that was stored')
    .record(seconds, labels);
  if (tokens > 0) {
    meter.createCounter('r_zero_sampled_tokens_total', undefined, 'Tokens sampled').add(tokens, labels);
    meter
      .createGauge(
        'r_zero_sampled_tokens_per_second',
        'float',
        undefined,
        'Of the last shard or step, all its work counted',
      )
      .set(tokens / seconds, labels);
  }
  if (usesModel && place.phase.endsWith('_training')) {
    meter.createCounter('r_zero_training_steps_total', undefined, 'Training steps stored').add(1, labels);
  }
  for (const [field, value] of Object.entries(metrics)) {
    const [counter, counts] = COUNTED[field] ?? [];
    if (counter !== undefined) meter.createCounter(counter, undefined, counts).add(value, labels);
    const [gauge, shows] = SHOWN[field] ?? [];
    if (gauge !== undefined) meter.createGauge(gauge, 'float', undefined, shows).set(value, labels);
  }
  for (const [decision, questions] of Object.entries(decisions)) {
    meter
      .createCounter('r_zero_gate_decisions_total', undefined, 'Questions by what the gate decided')
      .add(questions, { run: place.runId, decision });
  }
}

/** What the optimizer was given; updates whose step is lost count, because they were computed. */
export function recordUpdates(place: Place, updates: readonly TrainMetrics[]): void {
  const { metricMeter: meter } = Context.current();
  const labels = labelsOf(place);
  const total = (read: (update: TrainMetrics) => number) => updates.reduce((sum, update) => sum + read(update), 0);
  const tokens = total((update) => update.tokens);
  const padding = total((update) => update.paddingTokens);
  meter.createCounter('r_zero_trained_tokens_total', undefined, 'Tokens trained on').add(tokens, labels);
  meter
    .createCounter('r_zero_training_padding_tokens_total', undefined, 'Padding that was computed with them')
    .add(padding, labels);
}

export function recordFailure(place: Place, code: string): void {
  Context.current()
    .metricMeter.createCounter('r_zero_unit_failures_total', undefined, 'Tries of a shard or step that came to nothing')
    .add(1, { ...labelsOf(place), code });
}

/** @returns to be called at every beat: how late it comes says how long this process was deaf to everything */
export function watchHeartbeat(everyMs: number): () => void {
  const { metricMeter } = Context.current();
  const lag = metricMeter.createHistogram(
    'r_zero_heartbeat_lag_seconds',
    'float',
    's',
    'How late a heartbeat was sent',
  );
  let due = performance.now() + everyMs;
  return () => {
    const now = performance.now();
    lag.record(Math.max(0, now - due) / 1000);
    due = now + everyMs;
  };
}

function labelsOf({ runId, phase }: Place): { run: string; phase: Phase; role: Role | 'none' } {
  return { run: runId, phase, role: ROLE_OF[phase] };
}
