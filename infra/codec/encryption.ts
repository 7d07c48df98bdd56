/**
 * Encrypts what Temporal stores of a run: inputs, results, messages, summaries, details and the texts of failures, with AES-256-GCM.
 * Ids, type names and search attributes stay readable, as Temporal needs them (spec of `PayloadCodec`).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import type { DataConverter, LoadedDataConverter, Payload, PayloadCodec } from '@temporalio/common';
import { RZeroError } from '../../activities/errors.ts';
import { failureConverter } from './failure-converter.ts';
import { parseKeys } from './keys.ts';
import type { KeyRing } from './keys.ts';

const ENCODING = 'binary/encrypted';
const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * What a `Client`, a `Worker` or a replay needs to read and write encrypted payloads.
 *
 * @param keys as in `R_ZERO_CODEC_KEYS`: `id:key`, the first encrypts, all decrypt
 * @throws RZeroError `RunInputInvalid` for malformed keys
 */
export function encryptedDataConverter(keys: string): DataConverter {
  return { payloadCodecs: [createEncryption(parseKeys(keys))], failureConverterPath: failureConverterPath() };
}

/**
 * The same, loaded: for clients of this process, whose loader may not be that of `require`. Without keys, encrypted payloads are
 * refused by name.
 */
export function loadedEncryption(keys: string | undefined): LoadedDataConverter {
  if (keys !== undefined) {
    const payloadCodecs = [createEncryption(parseKeys(keys))];
    return { payloadConverter: defaultPayloadConverter, failureConverter, payloadCodecs };
  }
  const payloadCodecs = [refuseEncrypted()];
  return { payloadConverter: defaultPayloadConverter, failureConverter: defaultFailureConverter, payloadCodecs };
}

/** For who has no keys: leaves payloads as they are, and says what is wrong with those it cannot read. */
export function refuseEncrypted(): PayloadCodec {
  const keys = new Map<string, Buffer>();
  return {
    encode: (payloads) => Promise.resolve(payloads),
    decode: async (payloads) => payloads.map((payload) => decrypt(payload, { keys })),
  };
}

/** Module that puts message and stack of a failure among what is encrypted; bundled with the workflows, too. */
function failureConverterPath(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`./failure-converter.${extension}`, import.meta.url));
}

/**
 * Payloads that were stored before encryption was switched on are read as they are.
 *
 * @throws RZeroError `PayloadUnreadable` from `decode`: its key is not there, or is not the one, or the payload was changed
 */
export function createEncryption(ring: KeyRing): PayloadCodec {
  return {
    encode: (payloads) => Promise.resolve(payloads.map((payload) => encrypt(payload, ring))),
    decode: async (payloads) => payloads.map((payload) => decrypt(payload, ring)),
  };
}

function encrypt(payload: Payload, { current, keys }: KeyRing): Payload {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, keys.get(current)!, iv);
  cipher.setAAD(Buffer.from(current));
  const sealed = Buffer.concat([iv, cipher.update(pack(payload)), cipher.final(), cipher.getAuthTag()]);
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  return {
    metadata: {
      encoding: text(ENCODING),
      'encryption-cipher': text(CIPHER),
      'encryption-key-id': text(current),
    },
    data: new Uint8Array(sealed),
  };
}

function decrypt(payload: Payload, { keys }: Pick<KeyRing, 'keys'>): Payload {
  if (metadata(payload, 'encoding') !== ENCODING) return payload;
  const id = metadata(payload, 'encryption-key-id');
  const key = keys.get(id);
  if (key === undefined) {
    throw unreadable(
      `A payload is encrypted with key "${id.slice(0, 64)}", which is not among the keys of this process.`,
      'Add it to R_ZERO_CODEC_KEYS, behind the present one.',
    );
  }
  const sealed = Buffer.from(payload.data ?? []);
  try {
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(id));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const body = sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES);
    return unpack(Buffer.concat([decipher.update(body), decipher.final()]));
  } catch {
    // The cipher says no more than that it does not fit.
    throw unreadable(
      `A payload cannot be decrypted with key "${id}": the key is another one of that id, or the payload was changed.`,
      'Give the key that it was encrypted with.',
    );
  }
}

/** Length of the metadata, the metadata as JSON, the data. */
function pack({ metadata: fields, data }: Payload): Buffer {
  const entries = Object.entries(fields ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]);
  const head = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, data ?? Buffer.alloc(0)]);
}

function unpack(packed: Buffer): Payload {
  const end = 4 + packed.readUInt32BE(0);
  const fields = JSON.parse(packed.toString('utf8', 4, end)) as Record<string, string>;
  const entries = Object.entries(fields).map(([name, value]) => [name, new Uint8Array(Buffer.from(value, 'base64'))]);
  return {
    metadata: Object.fromEntries(entries) as Record<string, Uint8Array>,
    data: new Uint8Array(packed.subarray(end)),
  };
}

function metadata(payload: Payload, name: string): string {
  return new TextDecoder().decode(payload.metadata?.[name] ?? new Uint8Array());
}

function unreadable(message: string, fix: string): RZeroError {
  return new RZeroError('PayloadUnreadable', message, { field: 'R_ZERO_CODEC_KEYS', fix });
}
