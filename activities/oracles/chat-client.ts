/** A chat completion of an OpenAI-compatible server. */
import { z } from 'zod';
import { RZeroError } from '../errors.ts';
import { askModel } from '../model-server.ts';
import type { ModelServer } from '../model-server.ts';
import type { ChatMessage } from './judge-prompt.ts';
import type { Cost } from './oracle.ts';

/** The key is in the environment only: it is never stored, shown or logged. */
export const KEY_VARIABLE = 'R_ZERO_JUDGE_API_KEY';

/** A reply of a few thousand tokens is far below. */
const MOST_BYTES = 4 * 2 ** 20;

export interface ChatServer extends ModelServer {
  temperature: number;
  maxTokens: number;
  /** A budget in tokens needs a server that counts them. */
  mustCount: boolean;
}

export interface ChatReply {
  text: string;
  cost: Cost;
}

const completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullable() }) })).min(1),
  usage: z.object({ prompt_tokens: z.int().min(0), completion_tokens: z.int().min(0) }).nullish(),
});

/**
 * @param onCall told before each request; what it throws ends the tries
 * @throws RZeroError `JudgeUnavailable` when all tries failed, `JudgeUnfit` when another try cannot help
 */
export async function askChat(
  server: ChatServer,
  messages: readonly ChatMessage[],
  onCall: () => void,
  signal?: AbortSignal,
): Promise<ChatReply> {
  const { temperature, maxTokens } = server;
  const { value, calls, seconds } = await askModel(
    server,
    {
      path: 'chat/completions',
      body: { messages, temperature, max_tokens: maxTokens, stream: false },
      who: 'judge',
      field: 'oracles.judge',
      keyVariable: KEY_VARIABLE,
      codes: { unavailable: 'JudgeUnavailable', unfit: 'JudgeUnfit' },
      mostBytes: MOST_BYTES,
      read: (answer) => completion.safeParse(answer).data,
    },
    onCall,
    signal,
  );
  const { choices, usage } = value;
  if (!usage && server.mustCount) {
    throw new RZeroError('JudgeUnfit', `The judge at ${server.baseUrl} does not say how many tokens it uses.`, {
      field: 'oracles.judge.maxTotalTokens',
      fix: 'Limit its calls with "maxCalls" instead, or have the server report "usage".',
    });
  }
  return {
    text: choices[0]!.message.content ?? '',
    cost: {
      promptTokens: usage?.prompt_tokens ?? 0,
      completionTokens: usage?.completion_tokens ?? 0,
      calls,
      seconds,
    },
  };
}
