import { getPreset } from './method/presets.ts';
import type { DuplicateRule, FrozenGatePolicy, PresetName, RationalBound } from './method/presets.ts';

export interface GateSettings {
  preset: PresetName;
  gate: {
    lower?: number | undefined;
    upper?: number | undefined;
    /** Absent in runs that were stored before there was such a field. */
    duplicates?:
      | {
          withinIteration?: DuplicateRule | undefined;
          earlierIterations?: DuplicateRule | undefined;
          similarity?: number | undefined;
        }
      | undefined;
  };
}

/** The preset's gate, with the run's own bounds and rules where it names some. */
export function gatePolicy(settings: GateSettings): FrozenGatePolicy {
  const { gate } = getPreset(settings.preset);
  const { lower, upper, duplicates = {} } = settings.gate;
  const { withinIteration, earlierIterations, similarity } = duplicates;
  return {
    ...gate,
    duplicates: {
      ...gate.duplicates,
      ...(withinIteration === undefined ? {} : { withinIteration }),
      ...(earlierIterations === undefined ? {} : { earlierIterations }),
      ...(similarity === undefined ? {} : { similarity: rational(similarity) }),
    },
    ...(lower === undefined ? {} : { lower: rational(lower) }),
    ...(upper === undefined ? {} : { upper: rational(upper) }),
  };
}

/** True when nothing can lie between the bounds. */
export function isEmptyBand({ lower, upper }: FrozenGatePolicy): boolean {
  return lower.numerator * upper.denominator > upper.numerator * lower.denominator;
}

/** The decimal fraction as it was written: 0.3 is 3/10, not the nearest double. */
function rational(value: number): RationalBound {
  const digits = value.toFixed(12).replace(/0+$/, '').split('.')[1] ?? '';
  const denominator = 10 ** digits.length;
  return { numerator: Math.round(value * denominator), denominator };
}
