/**
 * The report of a run that goes on, for browsers on this machine. Only reads, only answers GET, and only to a page that asked for this
 * machine by name: a foreign page whose name leads here gets nothing.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import { RZeroError } from '../../activities/errors.ts';
import { readRunVersion } from '../../db/queries/report.ts';
import { makeReport } from './report.ts';
import type { ReportRequest } from './report.ts';

const HOST = '127.0.0.1';

export interface WatchServer {
  address: string;
  close: () => Promise<void>;
}

export interface WatchOptions extends Omit<ReportRequest, 'version'> {
  /** 0 for any that is free. */
  port: number;
  /** Told of requests that failed. */
  onError: (error: unknown) => void;
}

/** @throws RZeroError `RunNotFound`; `PortInUse` */
export async function watchReport(pool: pg.Pool, options: WatchOptions): Promise<WatchServer> {
  const pages = newestPage(pool, options);
  await pages.read();
  const server = createServer((request, response) => {
    answer(request, response, pages).catch((error: unknown) => {
      options.onError(error);
      if (!response.headersSent) send(response, 503, 'The database does not answer. It is asked again.');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(asPortError(error, options.port)));
    server.listen(options.port, HOST, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://${HOST}:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Pages {
  version: () => Promise<string>;
  read: () => Promise<string>;
}

/** A page is made when somebody asks and rows have changed, for all who ask meanwhile together. */
function newestPage(pool: pg.Pool, { runId, compare, limits }: WatchOptions): Pages {
  let made: { version: string; page: string } | undefined;
  let making: Promise<string> | undefined;
  const version = async (): Promise<string> => {
    const versions = [await readRunVersion(pool, runId)];
    if (compare !== undefined) versions.push(await readRunVersion(pool, compare));
    return versions.join(' ');
  };
  const make = async (): Promise<string> => {
    // Read first: what comes in between makes the page newer than it says, and it is fetched once more.
    const newest = await version();
    if (made?.version === newest) return made.page;
    const { page } = await makeReport(pool, { runId, compare, ...(limits ? { limits } : {}), version: newest });
    made = { version: newest, page };
    return page;
  };
  return {
    version,
    read: async () => {
      making ??= make().finally(() => (making = undefined));
      return await making;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, pages: Pages): Promise<void> {
  if (!isOurName(request)) return send(response, 403, 'This page is served to 127.0.0.1 and localhost only.');
  if (request.method !== 'GET') {
    response.setHeader('Allow', 'GET');
    return send(response, 405, 'Only GET is answered.');
  }
  if (request.url === '/version') return send(response, 200, await pages.version());
  if (request.url === '/') return send(response, 200, await pages.read(), 'text/html; charset=utf-8');
  send(response, 404, 'There is only the report, at /.');
}

/** Else a name of somebody's that leads to this machine would make the page part of their site. */
function isOurName({ headers, socket }: IncomingMessage): boolean {
  return [HOST, 'localhost'].some((name) => headers.host === `${name}:${socket.localPort}`);
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
  });
  response.end(text);
}

function asPortError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return error;
  return new RZeroError('PortInUse', `Port ${port} of ${HOST} cannot be taken (${error.code}).`, {
    field: 'port',
    fix: 'Choose another with --port, or 0 for any that is free.',
    cause: error,
  });
}
