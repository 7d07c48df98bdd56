/**
 * Precision of matrix products. Weights, moments, sums of gradients, norms, softmax and losses are float32 in all of them.
 *
 * - `float32`: exact products on every machine. TensorFlow itself would let an NVIDIA GPU since Ampere round their inputs to TF32.
 * - `tf32`: that rounding allowed (10 bits of mantissa): several times faster on such a GPU.
 * - `bfloat16`: inputs rounded to bfloat16 (7 bits), summed up in float32 by the GPU's library, the product rounded to bfloat16, as
 *   under PyTorch's autocast. In traced graphs only: TensorFlow.js has no tensors of that type.
 */
import { RZeroError } from '../errors.ts';

export const PRECISIONS = ['float32', 'tf32', 'bfloat16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** NVIDIA's libraries read it when they are loaded; 0 forbids TF32 whatever a program asks for. TensorFlow has no switch of its own in C. */
const TF32_OVERRIDE = 'NVIDIA_TF32_OVERRIDE';

/**
 * What is asked for, by the caller or by R_ZERO_ENGINE_PRECISION; `float32` when nothing is.
 *
 * @throws RZeroError `EngineUnavailable` for something unknown
 */
export function wantedPrecision(option: Precision | undefined, environment: NodeJS.ProcessEnv): Precision {
  const wanted = option ?? environment['R_ZERO_ENGINE_PRECISION'] ?? 'float32';
  if ((PRECISIONS as readonly string[]).includes(wanted)) return wanted as Precision;
  throw refused(
    `"${wanted}" is no precision`,
    `Set R_ZERO_ENGINE_PRECISION to ${PRECISIONS.join(', ')}, or leave it out.`,
  );
}

/**
 * Before the native library is loaded.
 *
 * @throws RZeroError `EngineUnavailable` when the environment forbids what is asked for
 */
export function preparePrecision(precision: Precision, environment: NodeJS.ProcessEnv): void {
  if (precision !== 'tf32') environment[TF32_OVERRIDE] = '0';
  else if (environment[TF32_OVERRIDE] === '0') {
    throw refused(`Precision tf32 is asked for, and ${TF32_OVERRIDE}=0 forbids it`, `Unset ${TF32_OVERRIDE}.`);
  }
}

/**
 * Once it is known what runs. Refused rather than ignored: a run's row says in which precision it was computed.
 *
 * @throws RZeroError `EngineUnavailable`
 */
export function assertPrecision(precision: Precision, runs: { cuda: boolean; traced: boolean }): void {
  if (precision === 'float32') return;
  if (!runs.cuda) {
    throw refused(
      `Precision ${precision} is for NVIDIA GPUs, and none runs here`,
      'Set R_ZERO_ENGINE_PRECISION to float32, or leave it out.',
    );
  }
  if (precision === 'bfloat16' && !runs.traced) {
    throw refused(
      'Precision bfloat16 needs traced graphs',
      'Unset R_ZERO_ENGINE_EXECUTION, or set R_ZERO_ENGINE_PRECISION to tf32.',
    );
  }
}

function refused(message: string, fix: string): RZeroError {
  return new RZeroError('EngineUnavailable', `${message}.`, { field: 'precision', fix });
}
