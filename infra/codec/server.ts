/**
 * A Codec Server for the Temporal UI and CLI (https://docs.temporal.io/codec-server): decrypts payloads for who looks at them. On the
 * loopback interface only, and for pages of named origins only, because whoever may ask it may read everything.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { RZeroError } from '../../activities/errors.ts';

/** Four times the largest message of Temporal's gRPC: base64, and some payloads at once. */
const MOST_BYTES = 16 * 2 ** 20;
const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

export interface CodecServerOptions {
  codec: PayloadCodec;
  /** 0 chooses a free one. */
  port: number;
  /** Origins whose pages may ask, e.g. `http://127.0.0.1:8233`. */
  origins: readonly string[];
}

export interface CodecServer {
  url: string;
  close: () => Promise<void>;
}

/** @throws RZeroError `PortInUse` */
export async function startCodecServer({ codec, port, origins }: CodecServerOptions): Promise<CodecServer> {
  const server = createServer((request, response) => void answer(request, response, codec, origins));
  await listen(server, port);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      const fix = 'Choose another with --port.';
      reject(new RZeroError('PortInUse', `Port ${port} is taken.`, { field: 'port', fix, cause: error }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  codec: PayloadCodec,
  origins: readonly string[],
): Promise<void> {
  const { origin, host = '' } = request.headers;
  // Another name that leads here is a page's way around the rule of origins.
  if (!LOOPBACK.test(host) || (origin !== undefined && !origins.includes(origin))) {
    return send(response, 403, { message: 'Not for this origin. Start it with --origin to allow one.' });
  }
  if (origin !== undefined) {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-allow-methods', 'POST, OPTIONS');
    response.setHeader('access-control-allow-headers', 'content-type, x-namespace, authorization');
    response.setHeader('vary', 'origin');
  }
  if (request.method === 'OPTIONS') return send(response, 204);
  const method = /\/(encode|decode)$/.exec(request.url?.split('?')[0] ?? '')?.[1] as 'encode' | 'decode' | undefined;
  if (request.method !== 'POST' || method === undefined)
    return send(response, 404, { message: 'POST /decode or /encode.' });
  try {
    const payloads = parsePayloads(await readBody(request));
    send(response, 200, { payloads: (await codec[method](payloads)).map(toJson) });
  } catch (error) {
    if (!(error instanceof RZeroError)) throw error;
    send(response, 400, { code: error.code, message: error.message });
  }
}

function send(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw malformed(`more than ${MOST_BYTES / 2 ** 20} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

interface JsonPayload {
  metadata?: Record<string, string>;
  data?: string;
}

/** Protobuf's JSON form: bytes are base64. */
function parsePayloads(body: string): Payload[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw malformed('no JSON');
  }
  const payloads = (parsed as { payloads?: unknown } | null)?.payloads;
  if (!Array.isArray(payloads)) throw malformed('no list "payloads"');
  return payloads.map((payload: JsonPayload | null) => {
    const { metadata = {}, data = '' } = payload ?? {};
    const texts = [data, ...Object.values(metadata)];
    if (texts.some((text) => typeof text !== 'string')) throw malformed('a payload that is not base64');
    const fields = Object.entries(metadata).map(([name, value]) => [name, bytesOf(value)]);
    return { metadata: Object.fromEntries(fields) as Record<string, Uint8Array>, data: bytesOf(data) };
  });
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

function toJson({ metadata, data }: Payload): JsonPayload {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const fields = Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)]);
  return { metadata: Object.fromEntries(fields) as Record<string, string>, data: base64(data ?? new Uint8Array()) };
}

function malformed(what: string): RZeroError {
  return new RZeroError('PayloadUnreadable', `The request holds ${what}.`, {
    fix: 'Send {"payloads": [{"metadata": {...}, "data": "..."}]} with base64 values.',
  });
}
