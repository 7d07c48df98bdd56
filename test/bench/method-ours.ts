/**
 * Our side of the benchmark, started anew for every measurement, as the reference is: nothing is compiled or cached beforehand.
 * Usage: method-ours.ts penalty|votes CORPUS KEY SIZE RESULT PRESET. Writes one JSON object to the file RESULT.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { getPreset } from '../../activities/method/presets.ts';
import type { PresetName } from '../../activities/method/presets.ts';
import { repetitionPenalties } from '../../activities/method/repetition/repetition.ts';
import { vote } from '../../activities/method/voting.ts';

const [task, corpus, key, size, result, presetName] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const preset = getPreset(presetName as PresetName);
const data = (JSON.parse(readFileSync(corpus, 'utf8')) as Record<string, unknown[]>)[key]?.slice(0, Number(size)) ?? [];

const wall = performance.now();
const processor = process.cpuUsage();
const computed = task === 'penalty' ? penalties(data as string[]) : votes(data as string[][]);
const { user, system } = process.cpuUsage(processor);
writeFileSync(
  result,
  JSON.stringify({
    ...computed,
    seconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - wall) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  }),
);

function penalties(questions: string[]): { labels: number[]; penalties: number[] } {
  const { cluster, penalty } = repetitionPenalties(questions, preset.repetition);
  return { labels: [...cluster], penalties: [...penalty] };
}

function votes(answers: string[][]): { votes: [string, number][] } {
  return {
    votes: answers.map((own) => {
      const { label, votes: count } = vote(own, preset, 'training');
      return [label ?? '', count];
    }),
  };
}
