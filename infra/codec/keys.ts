/** The keys that payloads are encrypted with: `id:key` each, the first encrypts, all decrypt. */
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { RZeroError } from '../../activities/errors.ts';
import { keepSecret } from '../../activities/redact.ts';

const KEY_BYTES = 32;
const EXAMPLE =
  'Write id:key, the key being 32 bytes in base64; `npx r-zero codec key` makes one. Older keys follow, separated by commas.';

export interface KeyRing {
  /** Id of the key that encrypts. */
  current: string;
  /** 32 bytes each, by id. */
  keys: ReadonlyMap<string, Buffer>;
}

/**
 * `R_ZERO_CODEC_KEYS`, or what the file of `R_ZERO_CODEC_KEY_FILE` says, one key a line.
 *
 * @returns undefined when neither is set: payloads are readable then
 * @throws RZeroError `RunInputInvalid` when both are set or the file cannot be read
 */
export function codecKeysOf(env: NodeJS.ProcessEnv): string | undefined {
  const { R_ZERO_CODEC_KEYS: keys, R_ZERO_CODEC_KEY_FILE: file } = env;
  if (!file) return keys || undefined;
  if (keys) {
    throw new RZeroError('RunInputInvalid', 'R_ZERO_CODEC_KEYS and R_ZERO_CODEC_KEY_FILE are both set.', {
      field: 'R_ZERO_CODEC_KEY_FILE',
      fix: 'Unset one of them.',
    });
  }
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new RZeroError('RunInputInvalid', `The keys of the codec cannot be read from ${file}.`, {
      field: 'R_ZERO_CODEC_KEY_FILE',
      fix: 'Name a file that this user may read.',
      cause: error,
    });
  }
}

/**
 * @param text keys separated by commas or line ends; a line that begins with # is a remark
 * @throws RZeroError `RunInputInvalid`; no message holds a key
 */
export function parseKeys(text: string): KeyRing {
  const lines = text.split(/\r?\n/).filter((line) => !line.trimStart().startsWith('#'));
  const entries = lines.flatMap((line) => line.split(',')).map((entry) => entry.trim());
  const keys = new Map<string, Buffer>();
  for (const entry of entries.filter((found) => found !== '')) {
    const [, id, encoded] = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/_-]+={0,2})$/.exec(entry) ?? [];
    const place = `Key ${keys.size + 1}`;
    if (id === undefined || encoded === undefined) throw invalid(`${place} of the codec is not written as id:key.`);
    const key = Buffer.from(encoded, 'base64');
    if (key.length !== KEY_BYTES)
      throw invalid(`${place} of the codec, "${id}", has ${key.length} bytes and not ${KEY_BYTES}.`);
    if (keys.has(id)) throw invalid(`The codec has two keys "${id}".`);
    keepSecret(encoded);
    keys.set(id, key);
  }
  const [current] = keys.keys();
  if (current === undefined) throw invalid('The codec has no key.');
  return { current, keys };
}

/** A new key, in the form that `parseKeys` reads; its id is the date. */
export function makeKey(now: Date): string {
  return `k${now.toISOString().slice(0, 10)}:${randomBytes(KEY_BYTES).toString('base64')}`;
}

function invalid(message: string): RZeroError {
  return new RZeroError('RunInputInvalid', message, { field: 'R_ZERO_CODEC_KEYS', fix: EXAMPLE });
}
