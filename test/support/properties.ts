/**
 * Property-based tests of one seed, so that a commit that passed passes again. `R_ZERO_PROPERTY_SEED=N` tries other
 * inputs, `R_ZERO_PROPERTY_RUNS=N` more of them; a failure prints the seed and the path that repeat it.
 */
import fc from 'fast-check';

const { R_ZERO_PROPERTY_SEED: seed = '1', R_ZERO_PROPERTY_RUNS: runs } = process.env;

/** Other generators of inputs take it, too. */
export const PROPERTY_SEED = Number(seed);

fc.configureGlobal({ seed: PROPERTY_SEED, ...(runs === undefined ? {} : { numRuns: Number(runs) }) });

export { fc };
