import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { RZeroError } from '../../activities/errors.ts';

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** True when nothing listens on the loopback port; false for a number that is no port. */
export async function isPortFree(port: number): Promise<boolean> {
  if (!isPort(port)) return false;
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** A loopback port that is free now and not one of `taken`. */
export async function findFreePort(taken: readonly number[] = []): Promise<number> {
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const probe = createServer();
      probe.once('error', reject);
      probe.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
        const { port } = probe.address() as AddressInfo;
        probe.close(() => resolve(port));
      });
    });
    if (!taken.includes(port)) return port;
  }
}

/** The port a user fixed in an environment variable, e.g. `R_ZERO_POSTGRES_PORT`; undefined when it is not set. */
export function fixedPort(name: string, env: NodeJS.ProcessEnv): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const port = Number(text);
  if (isPort(port)) return port;
  throw new RZeroError('SetupFailed', `${name} is "${text}", which is not a port.`, {
    fix: `Set ${name} to a number from 1 to 65535, or unset it to have a free port chosen.`,
    field: name,
  });
}

/** True when a running server may stay where it is. Fails with `PortInUse` when it may not and its new port is taken. */
export async function mayStay(variable: string, env: NodeJS.ProcessEnv, port: number): Promise<boolean> {
  const fixed = fixedPort(variable, env);
  if (fixed === undefined || fixed === port) return true;
  if (await isPortFree(fixed)) return false;
  throw portInUse(variable, fixed);
}

function portInUse(variable: string, port: number): RZeroError {
  return new RZeroError('PortInUse', `Port ${port} (${variable}) is in use by another program.`, {
    fix: `End that program, choose another port, or unset ${variable} to have a free one chosen.`,
    field: variable,
  });
}

export interface PortChoice {
  /** Environment variable by which the user may fix the port. */
  variable: string;
  env: NodeJS.ProcessEnv;
  remembered: number | undefined;
  /** Ports promised to other servers of this stack. */
  taken: readonly number[];
  /** Told when a remembered port belongs to somebody else by now. */
  onMoved: (from: number, to: number) => void;
}

/**
 * The port for a server about to be started: the user's, else the remembered one if it is still free, else a new free
 * one. Fails with `PortInUse` only for a port that the user fixed.
 */
export async function choosePort({ variable, env, remembered, taken, onMoved }: PortChoice): Promise<number> {
  const fixed = fixedPort(variable, env);
  if (fixed !== undefined) {
    if (!taken.includes(fixed) && (await isPortFree(fixed))) return fixed;
    throw portInUse(variable, fixed);
  }
  if (remembered !== undefined && !taken.includes(remembered) && (await isPortFree(remembered))) return remembered;
  const port = await findFreePort(taken);
  if (remembered !== undefined) onMoved(remembered, port);
  return port;
}
