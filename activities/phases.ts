import type { Phase } from './contract.ts';

/** The phases of an iteration, in the order in which they run. */
export const PHASE_ORDER: readonly Phase[] = [
  'challenger_training',
  'dataset_generation',
  'labelling',
  'gating',
  'solver_training',
  'evaluation',
  'audit',
];

/** For sorting. */
export const byPhase = (a: { phase: Phase }, b: { phase: Phase }): number =>
  PHASE_ORDER.indexOf(a.phase) - PHASE_ORDER.indexOf(b.phase);
