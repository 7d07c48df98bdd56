/** The input fields of oracles beside exact arithmetic, which is always asked. */
import { z } from 'zod';

const count = (max: number) => z.int().min(1).max(max);

export const anchorFields = z.strictObject({
  /** Questions with answers on the worker, one `{"question", "answer"}` a line; `anchors.jsonl` in the model's folder when omitted. */
  file: z.string().min(1).max(4096).optional(),
  /** How many of them, from the front. Each is voted on once an iteration. */
  questions: count(100_000).default(100),
});

/** A key, a user or a query would be stored and shown with the server's address. */
function isPlainAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password, search, hash } = new URL(address);
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '';
}

export const judgeFields = z.strictObject({
  /** Of an OpenAI-compatible server, up to `/v1`. Its key is `R_ZERO_JUDGE_API_KEY` in the worker's environment, and is stored nowhere. */
  baseUrl: z
    .string()
    .max(2048)
    .refine(isPlainAddress, 'an http or https address without user, password, query or fragment'),
  model: z.string().min(1).max(300),
  /** `verify`: is the label right? `solve`: what is the answer? Or a file of such a form on the worker. */
  prompt: z.string().min(1).max(4096).default('verify'),
  /** Labels an iteration that are judged, drawn by the run's seed in proportion to what each tenth of p-hat has. */
  questions: count(1_000_000).default(64),
  temperature: z.number().min(0).max(2).default(0),
  /** Longest reply. */
  maxTokens: count(65_536).default(1024),
  /** Requests at a time. */
  concurrency: count(256).default(4),
  timeoutSeconds: z.number().gt(0).max(3600).default(120),
  /** Tries of one request, when the server is busy, fails or answers rubbish. */
  tries: count(20).default(5),
  /** Most that the judge may cost over the whole run; what is left unasked is said. No limit when omitted. */
  maxCalls: count(Number.MAX_SAFE_INTEGER).optional(),
  /** Prompts and replies. Checked before each request, so that those under way may exceed it. */
  maxTotalTokens: count(Number.MAX_SAFE_INTEGER).optional(),
});

export const oracleFields = z.strictObject({
  /** None when omitted; `{}` is the model's own, of which the built-in base has 120. */
  anchors: anchorFields.optional(),
  /** None when omitted. */
  judge: judgeFields.optional(),
});

export type AnchorSettings = z.output<typeof anchorFields>;
export type JudgeSettings = z.output<typeof judgeFields>;
