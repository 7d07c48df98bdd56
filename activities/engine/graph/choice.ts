/**
 * Choice of the next token inside the graph, in double precision, as `sampling.ts` makes it in JavaScript: the inverse of
 * the cumulative distribution at a random number that the caller feeds. No generator of random numbers is in the graph,
 * so there is no state to lose and nothing frozen into it.
 */
import { leastInNucleus } from '../sampling.ts';
import type { ChoiceParams } from '../sampling.ts';
import { doubleFeed, doubleInput } from './double-input.ts';
import type { Ref } from './graph.ts';
import { rowOps } from './row-ops.ts';
import type { Scope } from './scope.ts';
import type { Feed } from './session.ts';
import { chooseAmongLikeliest } from './truncation.ts';

/**
 * `greedy` takes the likeliest token, `plain` samples at temperature 1, `tempered` at any other. At any temperature, `top`
 * samples from the k likeliest tokens and `nucleus` from all; of both, top-p and min-p may leave fewer.
 */
export const CHOICES = ['greedy', 'plain', 'tempered', 'top', 'nucleus'] as const;
type ChoiceVariant = (typeof CHOICES)[number];

/**
 * @param logits float32 [B, V]
 * @returns int32 [B] tokens, and float32 [B] their log-probabilities at the temperature; those of a row whose logits are
 *   not finite are not a number
 */
export function chooseTokens(scope: Scope, logits: Ref, variant: ChoiceVariant): [Ref, Ref] {
  const { cast, double, compare, count, reduce, runningSum, at, column, asColumn } = rowOps(scope);
  const [batch, vocabulary] = logits.shape as [number, number];
  const row = { dtype: 'float64', shape: [batch] } as const;
  const wide = cast(logits, 'float64');
  const centred = double('Sub', [wide, reduce('Max', wide, true)], wide);
  const temperature = variant === 'greedy' || variant === 'plain' ? undefined : doubleInput(scope, 'temperature', []);
  const scaled = temperature ? double('RealDiv', [centred, temperature], wide) : centred;
  const weights = double('Exp', [scaled], wide);
  const total = reduce('Sum', weights, false);

  const pick = (): Ref => {
    if (variant === 'greedy') {
      const attributes = { T: { type: 'float32' }, Tidx: { type: 'int32' }, output_type: { type: 'int32' } } as const;
      return scope.node('ArgMax', [logits, scope.size(1)], attributes, [{ dtype: 'int32', shape: [batch] }])[0];
    }
    const draws = doubleInput(scope, 'draws', [batch]);
    if (variant === 'top' || variant === 'nucleus') {
      return chooseAmongLikeliest(scope, { logits, weights, total, draws }, variant);
    }
    const running = runningSum(weights, false);
    const target = double('Mul', [draws, column(running, scope.size(vocabulary - 1))], row);
    const index = count(compare('LessEqual', running, asColumn(target), wide));
    // Rounding at the far end.
    return scope.node('Minimum', [index, scope.size(vocabulary - 1)], { T: { type: 'int32' } }, [index])[0];
  };
  const tokens = pick();
  const logprobs = double('Sub', [at(scaled, tokens), double('Log', [total], row)], row);
  return [tokens, cast(logprobs, 'float32')];
}

/** The variant for these parameters, and what it is fed after the feeds of its entry point. */
export function choiceFor(
  params: ChoiceParams,
  vocabulary: number,
): { variant: ChoiceVariant; feeds(draws: Float64Array): Feed[] } {
  const { temperature, topK, topP, minP } = params;
  if (temperature === 0) return { variant: 'greedy', feeds: () => [] };
  const cutK = topK > 0 && topK < vocabulary;
  const scalar = (value: number): Feed => doubleFeed(Float64Array.of(value), []);
  const uniforms = (draws: Float64Array): Feed => doubleFeed(draws, [draws.length]);
  if (!cutK && topP === 1 && minP === 0) {
    if (temperature === 1) return { variant: 'plain', feeds: (draws) => [uniforms(draws)] };
    return { variant: 'tempered', feeds: (draws) => [scalar(temperature), uniforms(draws)] };
  }
  const size = cutK ? { shape: [], values: Int32Array.of(topK) } : scalar(leastInNucleus(topP, vocabulary));
  return {
    variant: cutK ? 'top' : 'nucleus',
    feeds: (draws) => [scalar(temperature), uniforms(draws), scalar(topP), scalar(minP), size],
  };
}
