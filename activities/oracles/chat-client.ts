/** One request to an OpenAI-compatible server, tried again when the server is busy, fails, is silent or answers rubbish. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { RZeroError } from '../errors.ts';
import type { ChatMessage } from './judge-prompt.ts';
import type { Cost } from './oracle.ts';

/** The key is in the environment only: it is never stored, shown or logged. */
export const KEY_VARIABLE = 'R_ZERO_JUDGE_API_KEY';

/** A reply of a few thousand tokens is far below. */
const MOST_BYTES = 4 * 2 ** 20;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

export interface ChatServer {
  baseUrl: string;
  model: string;
  temperature: number;
  maxTokens: number;
  timeoutSeconds: number;
  /** At least 1. */
  tries: number;
  apiKey?: string | undefined;
  /** A budget in tokens needs a server that counts them. */
  mustCount: boolean;
  /** Waits between tries. @default real time */
  wait?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

export interface ChatReply {
  text: string;
  cost: Cost;
}

const completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullable() }) })).min(1),
  usage: z.object({ prompt_tokens: z.int().min(0), completion_tokens: z.int().min(0) }).nullish(),
});

/** What one try came to, when it is worth another. */
interface Failure {
  reason: string;
  /** What the server asks for. */
  waitMs?: number;
}

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
  const started = performance.now();
  const { wait = (milliseconds, abort) => sleep(milliseconds, undefined, abort ? { signal: abort } : {}) } = server;
  let failure: Failure = { reason: 'not asked' };
  for (let calls = 1; calls <= server.tries; calls++) {
    signal?.throwIfAborted();
    onCall();
    const found = await attempt(server, messages, signal);
    if ('text' in found) {
      return { text: found.text, cost: { ...found.tokens, calls, seconds: (performance.now() - started) / 1000 } };
    }
    failure = found;
    const backoff = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (calls - 1));
    if (calls < server.tries) await wait(Math.min(LONGEST_WAIT_MS, found.waitMs ?? backoff), signal);
  }
  throw new RZeroError(
    'JudgeUnavailable',
    `The judge at ${server.baseUrl} gave no answer in ${server.tries} tries: ${failure.reason}.`,
    { field: 'oracles.judge.baseUrl', fix: 'Check that the server runs; what it has said already is stored.' },
  );
}

async function attempt(
  server: ChatServer,
  messages: readonly ChatMessage[],
  signal: AbortSignal | undefined,
): Promise<{ text: string; tokens: Pick<Cost, 'promptTokens' | 'completionTokens'> } | Failure> {
  const { model, temperature, maxTokens, apiKey } = server;
  const limit = AbortSignal.timeout(server.timeoutSeconds * 1000);
  let response: Response;
  let body: string;
  try {
    response = await fetch(`${server.baseUrl.replace(/\/+$/, '')}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({ model, messages, temperature, max_tokens: maxTokens, stream: false }),
      // The key goes to the address that was named, and nowhere else.
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    body = await readBounded(response);
  } catch (error) {
    signal?.throwIfAborted();
    return { reason: limit.aborted ? `no answer within ${server.timeoutSeconds} seconds` : reasonOf(error) };
  }
  const { status } = response;
  if (status === 408 || status === 429 || status >= 500) {
    return { reason: `status ${status}`, ...retryAfter(response.headers.get('retry-after')) };
  }
  if (!response.ok) throw refused(server, status);
  const parsed = completion.safeParse(parseJson(body));
  if (!parsed.success) return { reason: 'its answer is no chat completion' };
  const { choices, usage } = parsed.data;
  if (!usage && server.mustCount) {
    throw new RZeroError('JudgeUnfit', `The judge at ${server.baseUrl} does not say how many tokens it uses.`, {
      field: 'oracles.judge.maxTotalTokens',
      fix: 'Limit its calls with "maxCalls" instead, or have the server report "usage".',
    });
  }
  return {
    text: choices[0]!.message.content ?? '',
    tokens: { promptTokens: usage?.prompt_tokens ?? 0, completionTokens: usage?.completion_tokens ?? 0 },
  };
}

/** What a server says beside its status may quote the request, key and all: it is not repeated. */
function refused({ baseUrl, model, apiKey }: ChatServer, status: number): RZeroError {
  const fix =
    status === 401 || status === 403
      ? `${apiKey === undefined ? 'Set' : 'Check'} ${KEY_VARIABLE} in the environment of the worker or command.`
      : `Check the address and whether the server has the model "${model}".`;
  return new RZeroError('JudgeUnfit', `The judge at ${baseUrl} refuses the request with status ${status}.`, {
    field: 'oracles.judge',
    fix,
  });
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > MOST_BYTES) throw new Error(`its answer is longer than ${MOST_BYTES} bytes`);
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Seconds or a date. */
function retryAfter(header: string | null): { waitMs?: number } {
  if (header === null) return {};
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(milliseconds) ? { waitMs: Math.max(0, milliseconds) } : {};
}

function reasonOf(error: unknown): string {
  // `fetch failed` says nothing; its cause does.
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message: string };
  return (cause?.code ?? cause?.message ?? message).split('\n')[0]!.slice(0, 200);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
