/** What the public code asks for, in words and in sampling parameters. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  OFFICIAL_SAMPLING,
  OFFICIAL_CHALLENGER_SYSTEM,
  OFFICIAL_CHALLENGER_USER,
  OFFICIAL_SOLVER_SYSTEM,
  plainRendering,
  type SamplingSettings,
} from '../../../activities/method/official/official-settings.ts';
import type { Case } from '../case.ts';
import type { SamplingRecord, TextRecord, Vectors } from '../vectors.ts';

export function prompts(recorded: Vectors['prompts']): Case[] {
  const plain = recorded.no_chat_template_rendering.challenger_full_prompt;
  return [
    {
      name: 'Challenger, system, in training',
      check: () => checkText(OFFICIAL_CHALLENGER_SYSTEM, recorded.challenger_system_training),
    },
    {
      name: 'Challenger, system, in generation',
      check: () => checkText(OFFICIAL_CHALLENGER_SYSTEM, recorded.challenger_system_generation),
    },
    { name: 'Challenger, user', check: () => checkText(OFFICIAL_CHALLENGER_USER, recorded.challenger_user) },
    { name: 'Solver, system', check: () => checkText(OFFICIAL_SOLVER_SYSTEM, recorded.solver_system) },
    {
      name: 'rendering without a chat template',
      check: () => checkText(plainRendering(OFFICIAL_CHALLENGER_SYSTEM, OFFICIAL_CHALLENGER_USER), plain),
    },
  ];
}

function checkText(text: string, recorded: TextRecord): void {
  if (recorded.text !== undefined) assert.equal(text, recorded.text);
  assert.equal(Array.from(text).length, recorded.chars, 'characters');
  assert.equal(Buffer.byteLength(text), recorded.utf8_bytes, 'bytes');
  assert.equal(createHash('sha256').update(text).digest('hex'), recorded.sha256, 'sha-256');
}

/** The end token, the number of prompts and the shard's seed were the recording's own choices. */
export function samplingParameters(recorded: Vectors['sampling_params_observed']): Case[] {
  const uses: [string, SamplingSettings, SamplingRecord][] = [
    ['question generation', OFFICIAL_SAMPLING.questionGeneration, recorded.challenger_question_generation],
    ['Challenger reward', OFFICIAL_SAMPLING.challengerReward, recorded.challenger_reward_servers],
    ['labelling', OFFICIAL_SAMPLING.labelling, recorded.dataset_labelling],
  ];
  return uses.map(([name, { maxTokens, temperature, topP, topK, samples }, observed]) => ({
    name,
    check: () => {
      const { stop_token_ids: _endToken, ...sent } = observed;
      const ours = { max_tokens: maxTokens, temperature, top_p: topP, n: samples };
      assert.deepEqual(topK === 0 ? ours : { ...ours, top_k: topK }, sent);
    },
  }));
}
