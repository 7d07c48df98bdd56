/** `r-zero codec serve`: the Codec Server, for as long as the command runs. */
import { once } from 'node:events';
import { RZeroError } from '../../activities/errors.ts';
import { createEncryption } from '../codec/encryption.ts';
import { codecKeysOf, parseKeys } from '../codec/keys.ts';
import { startCodecServer } from '../codec/server.ts';
import { readStackState, stackPaths } from '../dev-stack/stack-state.ts';
import type { CodecServeOptions } from './commands/codec.ts';
import { catchInterrupts } from './interrupts.ts';
import type { Terminal } from './terminal.ts';

export async function serveCodec({ dataDir, port, origin }: CodecServeOptions, terminal: Terminal): Promise<void> {
  const keys = codecKeysOf(process.env);
  if (keys === undefined) {
    throw new RZeroError('RunInputInvalid', 'There are no keys to decrypt with.', {
      field: 'R_ZERO_CODEC_KEYS',
      fix: 'Set it, or R_ZERO_CODEC_KEY_FILE, to the keys of the workers.',
    });
  }
  const ring = parseKeys(keys);
  const origins = (origin ?? originsOfUi(dataDir)).map((url) => url.replace(/\/+$/, ''));
  const interrupts = catchInterrupts(() => undefined);
  try {
    const server = await startCodecServer({ codec: createEncryption(ring), port, origins });
    terminal.out(`Codec server  ${server.url}   keys ${[...ring.keys.keys()].join(', ')}`);
    terminal.out(`For pages of  ${origins.join(', ') || 'nobody; name one with --origin'}`);
    if (!interrupts.signal.aborted) await once(interrupts.signal, 'abort');
    await server.close();
    throw interrupts.signal.reason;
  } finally {
    interrupts.release();
  }
}

/** A browser takes the two names of the loopback interface for two origins. */
function originsOfUi(dataDir: string): string[] {
  const { temporal } = readStackState(stackPaths(dataDir));
  if (!temporal) return [];
  return ['127.0.0.1', 'localhost'].map((host) => `http://${host}:${temporal.uiPort}`);
}
