/** Which settings of a run may change after it was started, and how. Everything else makes another run of it: give that a name of its own. */
import type { Phase, RunInput } from './contract.ts';
import { RZeroError } from './errors.ts';
import { flatten } from './settings.ts';
import { PHASE_ORDER } from './phases.ts';
import { resolveRunInput } from './run-input.ts';
import type { RunConfig } from './run-input.ts';

export interface InputChange {
  /** Null when it was left to the preset or the machine. */
  from: unknown;
  to: unknown;
}

/** How the work is cut, what is kept, and the gate: none of it is bound to what a phase has begun with. A section ends in a dot. */
const ANY_TIME = ['batchSize', 'microBatch', 'threads', 'recompute', 'gate.', 'checkpoints.'] as const;
/** Amounts and rates: phases are planned with them, so they change when phases are begun anew. */
const AT_RESET = [...ANY_TIME, 'challenger.', 'labelling.', 'solver.', 'evaluation.'] as const;
/** Questions are labelled in the shards that they were generated in. */
const BEFORE_LABELLING = ['labelling.questions', 'labelling.shardSize'];
/** What a role's policy is, not how it is trained; and what all its iterations are compared on. */
const NEVER = ['challenger.lora.', 'solver.lora.', 'evaluation.sets'];

export interface ChangedInput {
  config: RunConfig;
  /** By field, as paths. */
  changes: Record<string, InputChange>;
}

/**
 * The settings of a run with some of them changed; `null` leaves a field to the preset or the machine again.
 *
 * @param when `resume`: the phase at work goes on; else the phase that a reset begins anew, and all after it
 * @returns undefined when the run has these settings already
 * @throws RZeroError `RunInputInvalid`, with the field
 */
export function changedInput(
  { runId, config }: { runId: string; config: unknown },
  input: RunInput,
  when: 'resume' | Phase,
): ChangedInput | undefined {
  const isSettled = when !== 'resume' && PHASE_ORDER.indexOf(when) > PHASE_ORDER.indexOf('dataset_generation');
  const never = isSettled ? [...NEVER, ...BEFORE_LABELLING] : NEVER;
  const allowed: readonly string[] = when === 'resume' ? ANY_TIME : AT_RESET;
  const fits = (field: string, rules: readonly string[]): boolean =>
    rules.some((rule) => (rule.endsWith('.') ? field.startsWith(rule) : field === rule));
  const given = [...flatten(nullsAsText(input)).keys()];
  const refused = given.find((field) => !fits(field, allowed) || fits(field, never));
  if (refused !== undefined) {
    const isLater = fits(refused, AT_RESET) && !fits(refused, NEVER);
    throw new RZeroError(
      'RunInputInvalid',
      `Run "${runId}": "${refused}" may not change ${isLater ? 'for what is done with it' : 'after a run has started'}.`,
      {
        field: refused,
        fix: isLater
          ? `Reset the run with it to ${isSettled ? 'dataset_generation or before' : 'the beginning of a phase'}: \`npx r-zero run reset-to\`.`
          : `What may change: ${allowed.map((rule) => (rule.endsWith('.') ? `${rule}*` : rule)).join(', ')}. For anything else start another run.`,
      },
    );
  }
  const before = config as RunConfig;
  const after = merged(before, input) as RunConfig;
  // For its checks; a run that was stored before there was a field keeps doing without.
  resolveRunInput(after);
  const was = flatten(before);
  const is = flatten(after);
  const changes: Record<string, InputChange> = {};
  for (const field of new Set([...was.keys(), ...is.keys()])) {
    if (was.get(field) !== is.get(field)) changes[field] = { from: was.get(field) ?? null, to: is.get(field) ?? null };
  }
  return Object.keys(changes).length === 0 ? undefined : { config: after, changes };
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merged(before: Fields, change: Fields): Fields {
  const result = { ...before };
  for (const [name, value] of Object.entries(change)) {
    const present = result[name];
    if (value === null) delete result[name];
    else result[name] = isFields(value) ? merged(isFields(present) ? present : {}, value) : value;
  }
  return result;
}

/** So that a field which is set to null counts as given. */
function nullsAsText(value: Fields): Fields {
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [
      name,
      entry === null ? 'null' : isFields(entry) ? nullsAsText(entry) : entry,
    ]),
  );
}
