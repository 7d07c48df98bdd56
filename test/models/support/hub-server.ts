/** A loopback server that answers as the Hugging Face hub does, and fails on demand. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface HubServer {
  endpoint: string;
  /** `method path range` of every request. */
  requests: string[];
  authorization: Set<string | undefined>;
  /** Cuts the line once, after this many bytes of a file. */
  cutAfter(file: string, bytes: number): void;
  /** Sends other bytes than announced. */
  spoil(file: string): void;
  /** What the description says instead of the truth. */
  describe: (json: Record<string, unknown>) => unknown;
  /** Answers every request with this status. */
  status: number | undefined;
  ignoreRanges: boolean;
}

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export async function startHub(
  t: Pick<TestContext, 'after'>,
  id: string,
  files: ReadonlyMap<string, Buffer>,
): Promise<HubServer> {
  const cuts = new Map<string, number>();
  const spoiled = new Set<string>();
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '', 'http://hub').pathname);
    hub.requests.push([request.method, path, request.headers.range].filter(Boolean).join(' '));
    hub.authorization.add(request.headers.authorization);
    answer(request, response, path);
  });
  const answer = (request: IncomingMessage, response: ServerResponse, path: string): unknown => {
    if (hub.status !== undefined) return response.writeHead(hub.status).end('no');
    const isListing = [`/api/models/${id}/revision/`, `/api/datasets/${id}/revision/`].some((start) =>
      path.startsWith(start),
    );
    if (isListing) return response.end(JSON.stringify(hub.describe(listing())));
    const [, name] = path.split(`/${id}/resolve/${COMMIT}/`);
    const content = name === undefined ? undefined : files.get(name);
    if (name === undefined || !content) return response.writeHead(404).end();
    return send(request, response, name, content);
  };
  const listing = (): Record<string, unknown> => ({
    sha: COMMIT,
    cardData: { license: 'apache-2.0' },
    siblings: [...files].map(([rfilename, content]) => ({
      rfilename,
      size: content.length,
      ...hashes(rfilename, content),
    })),
  });
  const send = (request: IncomingMessage, response: ServerResponse, name: string, content: Buffer): void => {
    const from = hub.ignoreRanges ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const body = Buffer.from(content.subarray(from));
    if (spoiled.has(name) && body.length > 0) body[0]! ^= 1;
    const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length, ...(from > 0 ? range : {}) });
    const cut = cuts.get(name);
    if (cut === undefined) return void response.end(body);
    cuts.delete(name);
    response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 50));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const hub: HubServer = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    authorization: new Set(),
    cutAfter: (file, bytes) => void cuts.set(file, bytes),
    spoil: (file) => void spoiled.add(file),
    describe: (json) => json,
    status: undefined,
    ignoreRanges: false,
  };
  return hub;
}

/** Large files have the sha-256 of their content, small ones git's hash of a blob. */
function hashes(name: string, content: Buffer): object {
  const blobId = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
  const sha256 = createHash('sha256').update(content).digest('hex');
  return name.endsWith('.safetensors') ? { blobId, lfs: { sha256, size: content.length } } : { blobId };
}
