/** What a plugin runs the models with. */
import { existsSync } from 'node:fs';
import { Runtime } from '@temporalio/worker';
import type { Engine } from '../activities/engine/types.ts';
import type { Opened } from './plugin-resources.ts';

/** An engine of the user's own, which stays open, or one that is made here and closed with the last worker. */
export async function openEngine(engine?: Engine | (() => Engine | Promise<Engine>)): Promise<Opened<Engine>> {
  if (typeof engine === 'object') return { value: engine, close: () => Promise.resolve() };
  const value = await (engine ?? builtInEngine)();
  return { value, close: () => value.close() };
}

async function builtInEngine(): Promise<Engine> {
  const { createTfjsEngine } = await import('../activities/engine/index.ts');
  await warnWithoutNative();
  return createTfjsEngine();
}

/** A worker of the user's own takes what it finds: nobody has told them yet that it is the slow backend. */
async function warnWithoutNative(): Promise<void> {
  const [{ readTensorFlowSetup }, { addonPackage, addonPath }] = await Promise.all([
    import('./setup/tensorflow.ts'),
    import('./setup/tensorflow-addon.ts'),
  ]);
  if (existsSync(addonPath(addonPackage()))) return;
  const reason = readTensorFlowSetup()?.reason ?? 'it is not set up on this machine';
  Runtime.instance().logger.warn(
    'Models run on the WebAssembly backend, which is slower than native TensorFlow. ' +
      'Run `npx r-zero setup tensorflow` on this machine to get the native one.',
    { reason },
  );
}
