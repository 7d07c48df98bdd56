/** How the diversity of an iteration's questions is measured beside its words: field `diversity` of a run's input. */
import { z } from 'zod';
import { modelServerFields } from '../model-server.ts';

export const embeddingFields = z.strictObject({
  /** Of a server with `/embeddings`. Its key is `R_ZERO_EMBEDDING_API_KEY` in the worker's environment, and is stored nowhere. */
  ...modelServerFields,
  /** Valid questions an iteration that are embedded, drawn by the run's seed. */
  questions: z.int().min(2).max(1000).default(256),
  /** Questions a request. */
  batchSize: z.int().min(1).max(1000).default(64),
  timeoutSeconds: z.number().gt(0).max(3600).default(60),
  /** Most requests over the whole run, tries included; an iteration that could need more is left out, which is said. */
  maxCalls: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
});

export const diversityFields = z.strictObject({
  /** A model that knows what questions mean; none when omitted. */
  embedding: embeddingFields.optional(),
});

export type EmbeddingSettings = z.output<typeof embeddingFields>;
