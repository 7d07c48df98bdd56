/** The input fields of oracles beside exact arithmetic, which is always asked. */
import { z } from 'zod';
import { modelServerFields } from '../model-server.ts';

const count = (max: number) => z.int().min(1).max(max);

export const anchorFields = z.strictObject({
  /** Questions with answers on the worker, one `{"question", "answer"}` a line; `anchors.jsonl` in the model's folder when omitted. */
  file: z.string().min(1).max(4096).optional(),
  /** How many of them, from the front. Each is voted on once an iteration. */
  questions: count(100_000).default(100),
});

export const judgeFields = z.strictObject({
  /** Of an OpenAI-compatible server. Its key is `R_ZERO_JUDGE_API_KEY` in the worker's environment, and is stored nowhere. */
  ...modelServerFields,
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
