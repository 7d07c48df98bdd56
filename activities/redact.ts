/**
 * Keeps secrets out of whatever is written down: logs, failures, rows, messages. A leaf module, like `errors.ts`. Two nets: the
 * secrets that this process was given, by their value, and texts that have the form of one.
 */

export const REDACTED = '***';
/** Shorter ones are not looked for by value: they would blot out ordinary words. */
const SHORTEST = 6;

/** Names of environment variables whose values are secrets. */
const SECRET_NAME =
  /(PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|CREDENTIALS?|API_?KEY|ACCESS_KEY|CODEC_KEYS|CODEC_AUTH|KEY_DATA)$/i;
/** `Authorization=Bearer abc,x-key=def`: all of it is taken for secret. */
const HEADERS_NAME = /(_HEADERS|^TEMPORAL_GRPC_META_.*(AUTH|KEY|TOKEN).*)$/i;

const FORMS: readonly (readonly [form: RegExp, replacement: string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // user:password@ of a URL
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@?#]*):[^\s@]+@/gi, `$1:${REDACTED}@`],
  // password=... of libpq's form and of URLs, "apiKey": "..." of JSON
  [
    /\b((?:pg)?passw(?:or)?d|passphrase|api[-_]?key|(?:access|auth|hub|hf|bearer|refresh)[-_]?token|client[-_]?secret|secret[-_]?key)(["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s&"',;)}]+)/gi,
    `$1$2${REDACTED}`,
  ],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/g, `$1 ${REDACTED}`],
  // Hugging Face, OpenAI and the like, GitHub, AWS, JSON web tokens (Temporal Cloud's keys are such)
  [/\bhf_[A-Za-z0-9]{8,}/g, REDACTED],
  [/\bsk-[A-Za-z0-9_-]{16,}/g, REDACTED],
  [/\bgh[opsur]_[A-Za-z0-9]{20,}/g, REDACTED],
  [/\bAKIA[A-Z0-9]{16}\b/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)?/g, REDACTED],
];

/** The environment without variables that hold secrets, for a process that needs none. */
export function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name, value = '']) => !SECRET_NAME.test(name) && !HEADERS_NAME.test(name) && passwordsIn(value).length === 0,
  );
  return Object.fromEntries(kept);
}

const given = new Set<string>();

/** Makes `redactSecrets` look for this value, too: for secrets that come by another way than the environment. */
export function keepSecret(value: unknown): void {
  if (typeof value !== 'string') return;
  for (const secret of [value, ...passwordsIn(value)]) if (secret.length >= SHORTEST) given.add(secret);
}

/** @returns the text without secrets; the same text when there are none */
export function redactSecrets(text: string, env: NodeJS.ProcessEnv = process.env): string {
  let clean = text;
  for (const secret of knownSecrets(env)) clean = clean.replaceAll(secret, REDACTED);
  for (const [form, replacement] of FORMS) clean = clean.replace(form, replacement);
  return clean;
}

/** Longest first, so that no secret leaves a rest of one that it is the beginning of. */
function knownSecrets(env: NodeJS.ProcessEnv): string[] {
  const secrets = new Set(given);
  for (const [name, value = ''] of Object.entries(env)) {
    const found = SECRET_NAME.test(name)
      ? [value, ...value.split(/[\s,]+/).map((part) => part.slice(part.indexOf(':') + 1))]
      : HEADERS_NAME.test(name)
        ? [value, ...value.split(',').map((header) => header.slice(header.indexOf('=') + 1))]
        : passwordsIn(value);
    for (const secret of found) if (secret.length >= SHORTEST) secrets.add(secret);
  }
  const all = [...secrets].flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ]);
  return [...new Set(all)].sort((a, b) => b.length - a.length);
}

/** The password of a URL, as it is written and as it is meant. */
function passwordsIn(value: string): string[] {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^\s:/@?#]*:([^\s]+)@/i.exec(value)?.[1];
  const parameter = /[?&\s]password=([^&\s]+)/i.exec(value)?.[1];
  return [password, parameter].flatMap((text) => (text === undefined ? [] : [text, decoded(text)]));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that begins no escape: it is meant as it is written.
    return text;
  }
}
