/**
 * Choice of the next token inside the graph, in double precision, as `sampling.ts` makes it in JavaScript: the inverse of
 * the cumulative distribution at a random number that the caller feeds. No generator of random numbers is in the graph,
 * so there is no state to lose and nothing frozen into it.
 */
import type { DType } from './graph-def.ts';
import { tensorValue } from './graph.ts';
import type { Ref } from './graph.ts';
import type { Scope } from './scope.ts';

const DOUBLE = { T: { type: 'float64' } } as const;

/** `greedy` takes the likeliest token, `plain` samples at temperature 1, `tempered` at any other. */
export const CHOICES = ['greedy', 'plain', 'tempered'] as const;

/**
 * @param logits float32 [B, V]
 * @returns int32 [B] tokens, and float32 [B] their log-probabilities at the temperature; those of a row whose logits are
 *   not finite are not a number
 */
export function chooseTokens(scope: Scope, logits: Ref, choice: (typeof CHOICES)[number]): [Ref, Ref] {
  const [batch, vocabulary] = logits.shape as [number, number];
  const row = [batch];
  const column = [batch, 1];
  const reduce = (op: string, x: Ref, dtype: DType, keep: boolean): Ref =>
    scope.node(op, [x, scope.size(1)], { T: { type: dtype }, Tidx: { type: 'int32' }, keep_dims: { bool: keep } }, [
      { dtype, shape: keep ? column : row },
    ])[0];
  const elementwise = (op: string, inputs: Ref[], shape: readonly number[]): Ref =>
    scope.node(op, inputs, DOUBLE, [{ dtype: 'float64', shape }])[0];
  const cast = (x: Ref, dtype: DType): Ref =>
    scope.node('Cast', [x], { SrcT: { type: x.dtype }, DstT: { type: dtype }, Truncate: { bool: false } }, [
      { dtype, shape: x.shape },
    ])[0];
  const ofEachRow = (x: Ref, index: Ref, batchDims: number): Ref =>
    scope.node(
      'GatherV2',
      [x, index, scope.size(1)],
      {
        Tparams: { type: x.dtype },
        Tindices: { type: 'int32' },
        Taxis: { type: 'int32' },
        batch_dims: { int: batchDims },
      },
      [{ dtype: x.dtype, shape: row }],
    )[0];

  const wide = cast(logits, 'float64');
  const centred = elementwise('Sub', [wide, reduce('Max', wide, 'float64', true)], logits.shape);
  const scaled = choice === 'tempered' ? elementwise('RealDiv', [centred, temperature(scope)], logits.shape) : centred;
  const exps = elementwise('Exp', [scaled], logits.shape);
  const logSum = elementwise('Log', [reduce('Sum', exps, 'float64', false)], row);

  const pick = (): Ref => {
    if (choice === 'greedy') {
      return scope.node(
        'ArgMax',
        [logits, scope.size(1)],
        { T: { type: 'float32' }, Tidx: { type: 'int32' }, output_type: { type: 'int32' } },
        [{ dtype: 'int32', shape: row }],
      )[0];
    }
    const draws = uniforms(scope, batch);
    const running = scope.node(
      'Cumsum',
      [exps, scope.size(1)],
      { ...DOUBLE, Tidx: { type: 'int32' }, exclusive: { bool: false }, reverse: { bool: false } },
      [exps],
    )[0];
    const target = elementwise('Mul', [draws, ofEachRow(running, scope.size(vocabulary - 1), 0)], row);
    const compared = scope.node('LessEqual', [running, asColumn(scope, target)], DOUBLE, [
      { dtype: 'bool', shape: logits.shape },
    ])[0];
    const index = reduce('Sum', cast(compared, 'int32'), 'int32', false);
    // Rounding at the far end.
    return scope.node('Minimum', [index, scope.size(vocabulary - 1)], { T: { type: 'int32' } }, [index])[0];
  };
  const tokens = pick();
  const logprobs = elementwise('Sub', [ofEachRow(scaled, tokens, 1), logSum], row);
  return [tokens, cast(logprobs, 'float32')];
}

/** A number in [0, 1) with 53 bits for each row, fed as its upper 27 and its lower 26 bits: doubles cannot be fed. */
function uniforms(scope: Scope, batch: number): Ref {
  const [high, low] = ['high', 'low'].map((name) => {
    const bits = scope.input(name, 'int32', [batch]);
    const attributes = { SrcT: { type: 'int32' }, DstT: { type: 'float64' }, Truncate: { bool: false } } as const;
    return scope.node('Cast', [bits], attributes, [{ dtype: 'float64', shape: [batch] }])[0];
  }) as [Ref, Ref];
  const spec = { dtype: 'float64', shape: [batch] } as const;
  const power = (exponent: number): Ref => scope.constant(tensorValue('float64', [], [2 ** exponent]));
  const shifted = scope.node('Mul', [high, power(26)], DOUBLE, [spec])[0];
  const whole = scope.node('AddV2', [shifted, low], DOUBLE, [spec])[0];
  return scope.node('Mul', [whole, power(-53)], DOUBLE, [spec])[0];
}

/** Fed as a float32 and the rest that it leaves of the double. */
function temperature(scope: Scope): Ref {
  const [near, rest] = ['temperature', 'temperatureRest'].map((name) => {
    const part = scope.input(name, 'float32', []);
    const attributes = { SrcT: { type: 'float32' }, DstT: { type: 'float64' }, Truncate: { bool: false } } as const;
    return scope.node('Cast', [part], attributes, [{ dtype: 'float64', shape: [] }])[0];
  }) as [Ref, Ref];
  return scope.node('AddV2', [near, rest], DOUBLE, [near])[0];
}

function asColumn(scope: Scope, x: Ref): Ref {
  const attributes = { T: { type: x.dtype }, Tdim: { type: 'int32' } } as const;
  return scope.node('ExpandDims', [x, scope.size(1)], attributes, [{ dtype: x.dtype, shape: [...x.shape, 1] }])[0];
}

/** The two feeds of `uniforms`. */
export function splitUniforms(draws: ArrayLike<number>): { high: Int32Array; low: Int32Array } {
  const high = Int32Array.from(draws, (draw) => Math.floor(draw * 2 ** 27));
  const low = Int32Array.from(draws, (draw, index) => (draw * 2 ** 27 - (high[index] as number)) * 2 ** 26);
  return { high, low };
}
