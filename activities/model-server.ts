/** One request to an OpenAI-compatible server, tried again when the server is busy, fails, is silent or answers rubbish. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { RZeroError } from './errors.ts';
import type { ErrorCode } from './errors.ts';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** A key, a user or a query would be stored and shown with the server's address. */
function isPlainAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password, search, hash } = new URL(address);
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '';
}

/** Input fields of whatever asks such a server. */
export const modelServerFields = {
  /** Up to `/v1`. */
  baseUrl: z
    .string()
    .max(2048)
    .refine(isPlainAddress, 'an http or https address without user, password, query or fragment'),
  model: z.string().min(1).max(300),
  /** Tries of one request, when the server is busy, fails or answers rubbish. */
  tries: z.int().min(1).max(20).default(5),
};

export interface ModelServer {
  baseUrl: string;
  model: string;
  timeoutSeconds: number;
  /** At least 1. */
  tries: number;
  apiKey?: string | undefined;
  /** Waits between tries. @default real time */
  wait?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

/** What is asked for: in errors, and how an answer is read. */
export interface ModelRequest<T> {
  /** Below the base address. */
  path: string;
  /** Without the model. */
  body: object;
  /** e.g. `judge` */
  who: string;
  /** Input field that names the server. */
  field: string;
  /** Of the environment. */
  keyVariable: string;
  /** When all tries failed, and when another try cannot help. */
  codes: { unavailable: ErrorCode; unfit: ErrorCode };
  /** Longest answer that is read. */
  mostBytes: number;
  /** @returns undefined for rubbish */
  read: (answer: unknown) => T | undefined;
}

/** What one try came to, when it is worth another. */
interface Failure {
  reason: string;
  /** What the server asks for. */
  waitMs?: number;
}

/**
 * @param onCall told before each request; what it throws ends the tries
 * @throws RZeroError of the request's codes
 */
export async function askModel<T>(
  server: ModelServer,
  request: ModelRequest<T>,
  onCall: () => void,
  signal?: AbortSignal,
): Promise<{ value: T; calls: number; seconds: number }> {
  const started = performance.now();
  const { wait = (milliseconds, abort) => sleep(milliseconds, undefined, abort ? { signal: abort } : {}) } = server;
  let failure: Failure = { reason: 'not asked' };
  for (let calls = 1; calls <= server.tries; calls++) {
    signal?.throwIfAborted();
    onCall();
    const found = await attempt(server, request, signal);
    if ('value' in found) return { value: found.value, calls, seconds: (performance.now() - started) / 1000 };
    failure = found;
    const backoff = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (calls - 1));
    if (calls < server.tries) await wait(Math.min(LONGEST_WAIT_MS, found.waitMs ?? backoff), signal);
  }
  throw new RZeroError(
    request.codes.unavailable,
    `The ${request.who} at ${server.baseUrl} gave no answer in ${server.tries} tries: ${failure.reason}.`,
    {
      field: `${request.field}.baseUrl`,
      fix: 'Check that the server runs, then resume the run or give the command again.',
    },
  );
}

async function attempt<T>(
  server: ModelServer,
  request: ModelRequest<T>,
  signal: AbortSignal | undefined,
): Promise<{ value: T } | Failure> {
  const limit = AbortSignal.timeout(server.timeoutSeconds * 1000);
  let response: Response;
  let body: string;
  try {
    response = await fetch(`${server.baseUrl.replace(/\/+$/, '')}/${request.path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(server.apiKey === undefined ? {} : { authorization: `Bearer ${server.apiKey}` }),
      },
      body: JSON.stringify({ model: server.model, ...request.body }),
      // The key goes to the address that was named, and nowhere else.
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    body = await readBounded(response, request.mostBytes);
  } catch (error) {
    signal?.throwIfAborted();
    return { reason: limit.aborted ? `no answer within ${server.timeoutSeconds} seconds` : reasonOf(error) };
  }
  const { status } = response;
  if (status === 408 || status === 429 || status >= 500) {
    return { reason: `status ${status}`, ...retryAfter(response.headers.get('retry-after')) };
  }
  if (!response.ok) throw refused(server, request, status);
  const value = request.read(parseJson(body));
  return value === undefined ? { reason: `its answer is none to ${request.path}` } : { value };
}

/** What a server says beside its status may quote the request, key and all: it is not repeated. */
function refused<T>(
  { baseUrl, model, apiKey }: ModelServer,
  { who, field, keyVariable, codes }: ModelRequest<T>,
  status: number,
): RZeroError {
  const fix =
    status === 401 || status === 403
      ? `${apiKey === undefined ? 'Set' : 'Check'} ${keyVariable} in the environment of the worker or command.`
      : `Check the address and whether the server has the model "${model}".`;
  return new RZeroError(codes.unfit, `The ${who} at ${baseUrl} refuses the request with status ${status}.`, {
    field,
    fix,
  });
}

async function readBounded(response: Response, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > mostBytes) throw new Error(`its answer is longer than ${mostBytes} bytes`);
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
