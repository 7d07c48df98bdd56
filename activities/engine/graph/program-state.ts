/**
 * What a session's variables hold, so that they are filled only when another model takes its turn. On a processor this
 * copies nothing: a variable and an eager tensor share their memory until the session writes, and only then, and only if
 * the tensor is still alive, the session takes a copy.
 */
import type * as tfc from '@tensorflow/tfjs-core';
import type { AdamW } from '../adamw.ts';
import type { NativeBackend } from '../tensorflow.ts';
import type { Model } from '../weights.ts';
import type { Feed, Session } from './session.ts';

export interface ProgramState {
  readonly session: Session;
  /** Makes the session's weights those of the model. */
  useWeights(model: Model): void;
  /**
   * Runs `apply` on weights and moments that only the session holds, and gives the new ones to model and optimizer. When
   * it fails, the model is unusable.
   */
  apply(model: Model, optimizer: AdamW, feeds: readonly Feed[]): void;
  /** Frees what is held of a model that nobody will use any more. */
  forget(model: Model, optimizer: AdamW): void;
}

export function createProgramState(native: NativeBackend, session: Session): ProgramState {
  /** The very list whose tensors were fed last, or were read back. */
  let weights: readonly tfc.Tensor[] | undefined;
  let frozen: readonly tfc.Tensor[] | undefined;
  let moments: readonly tfc.Tensor[] | undefined;
  const perform = (entry: string, feeds: readonly Feed[] = []): void => {
    session.fetch(entry, feeds);
  };
  const idsOf = (tensors: readonly tfc.Tensor[]): number[] => native.getInputTensorIds([...tensors]);
  const useWeights = (model: Model): void => {
    if (model.frozen.length > 0 && frozen !== model.frozen) {
      perform('bindFrozen', idsOf(model.frozen));
      frozen = model.frozen;
    }
    if (weights === model.tensors) return;
    perform('bindWeights', idsOf(model.tensors));
    weights = model.tensors;
  };
  return {
    session,
    useWeights,
    apply: (model, optimizer, feeds) => {
      useWeights(model);
      if (optimizer.step === 0) perform('zeroMoments', [{ shape: [], values: Float32Array.of(0) }]);
      else if (moments !== optimizer.first) perform('bindMoments', idsOf([...optimizer.first, ...optimizer.second]));
      // From here on only the session holds them: it may write in place.
      const old = [...model.tensors, ...optimizer.first, ...optimizer.second];
      weights = undefined;
      moments = undefined;
      model.tensors = [];
      optimizer.first = [];
      optimizer.second = [];
      for (const tensor of old) tensor.dispose();
      const changed = session.run('apply', feeds).map((output) => native.createOutputTensor(output));
      const count = changed.length / 3;
      model.tensors = changed.slice(0, count);
      optimizer.first = changed.slice(count, 2 * count);
      optimizer.second = changed.slice(2 * count);
      weights = model.tensors;
      moments = optimizer.first;
    },
    forget: (model, optimizer) => {
      if (weights === model.tensors) {
        weights = undefined;
        perform('releaseWeights');
      }
      if (frozen === model.frozen) {
        frozen = undefined;
        perform('releaseFrozen');
      }
      if (moments === optimizer.first) {
        moments = undefined;
        perform('releaseMoments');
      }
    },
  };
}
