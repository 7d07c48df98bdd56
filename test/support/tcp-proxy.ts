/** A TCP proxy that can fall silent: what was connected stays connected, and nothing passes any more. */
import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Where new connections go. */
  target: { host: string; port: number };
  /** The connections of this moment never carry another byte, and neither side is told. New ones are not affected. */
  swallow(): number;
  close(): Promise<void>;
}

export async function startTcpProxy(target: TcpProxy['target']): Promise<TcpProxy> {
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ ...proxy.target, allowHalfOpen: true });
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near]] as const) {
      from.on('data', (bytes) => to.write(bytes));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  const proxy: TcpProxy = {
    port: await listen(server),
    target,
    swallow: () => {
      const swallowed = [...pairs];
      pairs.clear();
      for (const socket of swallowed.flat()) {
        silent.add(socket);
        for (const event of ['data', 'end', 'close', 'error']) socket.removeAllListeners(event);
        // Bytes are taken, so that no sender ever notices; an end of the one side is neither answered nor passed on.
        socket.on('data', () => undefined).on('error', () => undefined);
      }
      return swallowed.length;
    },
    close: async () => {
      for (const socket of [...[...pairs].flat(), ...silent]) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  const silent = new Set<Socket>();
  return proxy;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
