/** OpenAI-compatible servers on loopback: the protocol, and behind it a model of our engine or a rule. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { createLocalEngine } from '../../activities/engine/index.ts';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { computeTruth } from '../../activities/method/oracle.ts';
import { grade } from '../../activities/method/answers/answer-equivalence.ts';
import { loadProfile, solverPrompt } from '../../activities/profile.ts';
import { sampleTexts } from '../../activities/sampling.ts';

export interface ChatRequest {
  model: string;
  messages: { role: string; content: string }[];
  temperature: number;
  max_tokens: number;
  headers: IncomingHttpHeaders;
}

export interface Answer {
  text: string;
  promptTokens?: number;
  completionTokens?: number;
}

/** @returns an answer, or writes a response of its own and returns undefined */
export type Respond = (
  request: ChatRequest,
  response: ServerResponse,
) => Promise<Answer | undefined> | Answer | undefined;

export interface ChatServerDouble {
  /** Ends in `/v1`. */
  baseUrl: string;
  requests: ChatRequest[];
  close: () => Promise<void>;
}

const closings: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closings) await close();
});

export async function startChatServer(respond: Respond): Promise<ChatServerDouble> {
  const requests: ChatRequest[] = [];
  const { baseUrl, close } = await listen(async (incoming, response) => {
    if (incoming.method !== 'POST' || incoming.url !== '/v1/chat/completions') {
      response.writeHead(404).end();
      return;
    }
    const body = (await readJson(incoming)) as Omit<ChatRequest, 'headers'>;
    const request = { ...body, headers: incoming.headers };
    requests.push(request);
    const answer = await respond(request, response);
    if (!answer) return;
    const { text, promptTokens = 10, completionTokens = 5 } = answer;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        id: `chatcmpl-${requests.length}`,
        object: 'chat.completion',
        created: 0,
        model: body.model,
        choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
        usage: {
          prompt_tokens: promptTokens,
          completion_tokens: completionTokens,
          total_tokens: promptTokens + completionTokens,
        },
      }),
    );
  });
  return { baseUrl, requests, close };
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

async function listen(
  handle: (incoming: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Pick<ChatServerDouble, 'baseUrl' | 'close'>> {
  const server = createServer((incoming, response) => void handle(incoming, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  closings.push(close);
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, close };
}

export interface EmbeddingRequest {
  model: string;
  input: string[];
  headers: IncomingHttpHeaders;
}

/** Embeds by `embed`; `spoil` answers instead where it returns true. */
export async function startEmbeddingServer(
  embed: (text: string) => number[],
  spoil: (request: EmbeddingRequest, response: ServerResponse) => boolean = () => false,
): Promise<{ baseUrl: string; requests: EmbeddingRequest[] }> {
  const requests: EmbeddingRequest[] = [];
  const { baseUrl } = await listen(async (incoming, response) => {
    if (incoming.url !== '/v1/embeddings') {
      response.writeHead(404).end();
      return;
    }
    const request = { ...((await readJson(incoming)) as Omit<EmbeddingRequest, 'headers'>), headers: incoming.headers };
    requests.push(request);
    if (spoil(request, response)) return;
    // Servers may answer in any order.
    const data = request.input
      .map((text, index) => ({ object: 'embedding', index, embedding: embed(text) }))
      .toReversed();
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ object: 'list', data, model: request.model, usage: { prompt_tokens: data.length * 3 } }),
    );
  });
  return { baseUrl, requests };
}

/** How often each pair of letters occurs, in 64 places: the same pairs, the same meaning. */
export function embedPairs(text: string): number[] {
  const vector = Array.from({ length: 64 }, () => 0);
  for (let at = 0; at + 1 < text.length; at++) {
    vector[(text.charCodeAt(at) * 31 + text.charCodeAt(at + 1)) % vector.length]! += 1;
  }
  return vector;
}

/**
 * A model of ours behind the protocol, greedy; its template asks the last message as the model is asked as Solver.
 *
 * @param folder a model folder with `r-zero.json`, or a checkpoint of one
 * @param profileFolder where its tokenizer and prompts are
 */
export async function startEngineServer(folder: string, profileFolder: string): Promise<ChatServerDouble> {
  const engine = createLocalEngine();
  const [lease, tokenizer] = await Promise.all([engine.open({ path: folder }), loadTokenizer(profileFolder)]);
  closings.push(() => engine.close());
  const { profile } = await loadProfile(profileFolder);
  let turn: Promise<unknown> = Promise.resolve();
  return startChatServer(({ messages, max_tokens: maxTokens }) => {
    const prompt = solverPrompt(profile, messages.at(-1)!.content);
    const params = { maxTokens, temperature: 0, topK: 0, topP: 1, minP: 0, stop: profile.solver.stop };
    const sample = async (): Promise<Answer> => {
      const [found] = await sampleTexts(lease, tokenizer, [{ prompt, seed: '0'.repeat(16) }], params, 1, {});
      return {
        text: found!.text,
        promptTokens: found!.promptTokens.length,
        completionTokens: found!.tokens.length,
      };
    };
    const answer = turn.then(sample);
    turn = answer.catch(() => undefined);
    return answer;
  });
}

/** Reads the shipped `verify` prompt and knows arithmetic: what a perfect judge would say. */
export function knowingJudge({ messages }: ChatRequest): Answer {
  const [, question, answer] = /^Question:\n(.*)\n\nProposed answer:\n(.*)$/s.exec(messages.at(-1)!.content) ?? [];
  const cases: Record<string, string> = {
    'A rectangle has sides of length 3 and 8. What is its area?': '24',
    'Solve 2x - 6 = 0 for x.': '3',
    'What is 3/4 as a decimal?': '3/4',
    'How many minutes are there in two and a half hours?': '150',
  };
  const truth = question === undefined ? undefined : (cases[question] ?? computeTruth(question)?.value);
  if (truth === undefined || answer === undefined) return { text: 'I cannot tell.' };
  return { text: `It is ${truth}. \\boxed{${grade(answer, truth, 'default') ? 'yes' : 'no'}}` };
}
