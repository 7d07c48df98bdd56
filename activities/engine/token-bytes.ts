/** What each token contributes to a text, where a text is nothing but that, one after the other. */

/**
 * Bytes by id; empty for tokens that are left out of a text. Nothing when this tokenizer's texts are more than the sum of
 * their tokens, as with decoders that put spaces between words or take the first one away.
 *
 * @param vocabulary tokens by id, some of which may be missing
 * @param decoder that of tokenizer.json
 * @param asIs text of a token that is written as it is, or left out; undefined for all others
 */
export function bytesOfTokens(
  vocabulary: ReadonlyMap<string, number>,
  decoder: unknown,
  asIs: (token: string, id: number) => string | undefined,
): Uint8Array[] | undefined {
  const type = (decoder as { type?: unknown } | null | undefined)?.type;
  if (type !== 'ByteLevel' && type !== 'Fuse') return undefined;
  const utf8 = new TextEncoder();
  const ordinary = type === 'Fuse' ? (token: string) => utf8.encode(token) : byteLevel();
  const bytes: Uint8Array[] = Array.from({ length: Math.max(-1, ...vocabulary.values()) + 1 }, () => new Uint8Array());
  for (const [token, id] of vocabulary) {
    const text = asIs(token, id);
    bytes[id] = text === undefined ? ordinary(token) : utf8.encode(text);
  }
  return bytes;
}

/** Byte-level BPE writes each byte as one character: printable ones as themselves, the others from U+0100 on (GPT-2's encoder.py). */
function byteLevel(): (token: string) => Uint8Array {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  const bytes = new Map<string, number>();
  let others = 0;
  for (let byte = 0; byte < 256; byte++) {
    bytes.set(String.fromCharCode(printable(byte) ? byte : 256 + others++), byte);
  }
  // The library reads what is none of these as a zero.
  return (token) => Uint8Array.from(token, (character) => bytes.get(character) ?? 0);
}
