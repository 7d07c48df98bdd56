/** What the public code asks for, in words and in sampling parameters. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readChatFormat, type ChatMessage } from '../../../activities/engine/chat-template.ts';
import { OFFICIAL_SAMPLING, type SamplingSettings } from '../../../activities/method/official/official-settings.ts';
import { promptFile } from '../../../activities/prompt-files.ts';
import type { Case } from '../case.ts';
import type { SamplingRecord, TextRecord, Vectors } from '../vectors.ts';

/** The words of the file that runs are asked with, in the form that models without a template get. */
export function prompts(recorded: Vectors['prompts']): Case[] {
  const file = JSON.parse(readFileSync(promptFile('', 'official'), 'utf8')) as Record<
    'challenger' | 'solver',
    { messages: ChatMessage[] }
  >;
  const { challenger, solver } = file;
  const text = (messages: readonly ChatMessage[], role: ChatMessage['role']): string =>
    messages.find((message) => message.role === role)?.content ?? '';
  const challengerSystem = text(challenger.messages, 'system');
  const plain = recorded.no_chat_template_rendering.challenger_full_prompt;
  return [
    {
      name: 'Challenger, system, in training',
      check: () => checkText(challengerSystem, recorded.challenger_system_training),
    },
    {
      name: 'Challenger, system, in generation',
      check: () => checkText(challengerSystem, recorded.challenger_system_generation),
    },
    {
      name: 'Challenger, user',
      check: () => checkText(text(challenger.messages, 'user'), recorded.challenger_user),
    },
    { name: 'Solver, system', check: () => checkText(text(solver.messages, 'system'), recorded.solver_system) },
    {
      name: 'rendering without a chat template, whose last line ours ends',
      check: () => {
        const rendered = readChatFormat(new Map()).render(challenger.messages);
        assert.ok(rendered.endsWith('\n'));
        checkText(rendered.slice(0, -1), plain);
      },
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
