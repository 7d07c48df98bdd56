/**
 * `npx tsx test/bench/choice.ts [MODEL FOLDER]`: what it costs to choose the next tokens of a batch inside the graph, and to
 * fetch its logits and choose in JavaScript, as the eager engine does. Milliseconds of processor time a step, medians of
 * rounds in which both take turns. The logits are the model's at each place of a text; without one they are normal with
 * standard deviation 2 (nuclei of thousands of tokens, more than a language model has) and 6 (nuclei of tens).
 */
import { basename } from 'node:path';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { logitsOf } from '../engine/support/logits.ts';
import { normals, parseSeed } from '../../activities/engine/random.ts';
import { chooseToken } from '../../activities/engine/sampling.ts';
import type { ChoiceParams } from '../../activities/engine/sampling.ts';

import { loadRuntime } from '../../activities/engine/tensorflow.ts';
import type { SavedModelBinding } from '../../activities/engine/graph/session.ts';
import { openChoiceGraph } from '../engine/support/choice-graph.ts';

const VOCABULARY = 49_152;
const ROUNDS = 9;
const TEXT = `Question: A box holds 6 pens. How many pens are in 5 boxes?
Answer: Each box holds 6 pens, so 5 boxes hold 5 * 6 = 30 pens. The story of the old lighthouse begins on a cold winter night,
when nobody expected that a ship could come so close to the rocks. She said that`;
const OFF: ChoiceParams = { temperature: 1, topK: 0, topP: 1, minP: 0 };
const CASES: Record<string, ChoiceParams> = {
  'top-p 0.95': { ...OFF, topP: 0.95 },
  'temperature 0.6, top-p 0.8': { ...OFF, temperature: 0.6, topP: 0.8 },
  'top-k 40': { ...OFF, topK: 40 },
  'min-p 0.05': { ...OFF, minP: 0.05 },
  'nothing cut off': OFF,
};

const { tf } = await loadRuntime({ threads: 2, backend: 'native' });
const { binding } = tf.backend() as unknown as { binding: SavedModelBinding & { TF_FLOAT: number } };
const graph = openChoiceGraph(binding, VOCABULARY);

function cpu(work: () => void): number {
  const from = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

/** Rows of logits by what they are. */
async function inputs(): Promise<Record<string, Float32Array>> {
  const folder = process.argv[2];
  if (folder === undefined) {
    const unit = normals(parseSeed('00000000000000c0'), 0, 64 * VOCABULARY);
    return { 'deviation 2': unit.map((value) => 2 * value), 'deviation 6': unit.map((value) => 6 * value) };
  }
  const { model } = await loadModelFolder(await loadRuntime({ threads: 2 }), { path: folder });
  const rows = logitsOf(model, (await loadTokenizer(folder)).encode(TEXT)).slice(0, 64);
  const logits = new Float32Array(64 * VOCABULARY);
  for (const [index, row] of rows.entries()) logits.set(row.subarray(0, VOCABULARY), index * VOCABULARY);
  return { [basename(folder)]: logits };
}

for (const [what, all] of Object.entries(await inputs())) {
  for (const batch of [16, 64]) {
    const logits = all.subarray(0, batch * VOCABULARY);
    const draws = Float64Array.from({ length: batch }, (_, row) => (row + 0.5) / batch);
    const device = tf.tensor2d(logits, [batch, VOCABULARY]);
    const held = (tf.backend() as unknown as { getInputTensorIds(t: unknown[]): number[] }).getInputTensorIds([
      device,
    ])[0]!;
    for (const [name, params] of Object.entries(CASES)) {
      const inside: number[] = [];
      const outside: number[] = [];
      for (let round = 0; round <= ROUNDS; round++) {
        inside.push(cpu(() => graph.choose(held, params, draws)));
        outside.push(
          cpu(() => {
            const values = binding.tensorDataSync(held) as Float32Array;
            for (let row = 0; row < batch; row++) {
              chooseToken(values.subarray(row * VOCABULARY, (row + 1) * VOCABULARY), params, draws[row]!);
            }
          }),
        );
      }
      // The first round warms up.
      const [graphMs, jsMs] = [inside, outside].map((times) => median(times.slice(1))) as [number, number];
      process.stdout.write(
        `${what}, batch ${batch}, ${name}: graph ${graphMs.toFixed(1)}, JavaScript ${jsMs.toFixed(1)}, ${(jsMs / graphMs).toFixed(1)} times less\n`,
      );
    }
    device.dispose();
  }
}
graph.close();
