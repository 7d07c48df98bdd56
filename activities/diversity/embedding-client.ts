/** What texts mean, as vectors, of a server with OpenAI's `/embeddings`. */
import { z } from 'zod';
import { askModel } from '../model-server.ts';
import type { ModelServer } from '../model-server.ts';

/** The key is in the environment only: it is never stored, shown or logged. */
export const EMBEDDING_KEY_VARIABLE = 'R_ZERO_EMBEDDING_API_KEY';

/** A thousand vectors of four thousand numbers, as text. */
const MOST_BYTES = 128 * 2 ** 20;

const embeddings = z.object({
  data: z.array(z.object({ index: z.int().min(0), embedding: z.array(z.number()).min(1) })),
  usage: z.object({ prompt_tokens: z.int().min(0) }).nullish(),
});

export interface Embedded {
  /** In the order of the texts, of one length. */
  vectors: number[][];
  calls: number;
  /** 0 where the server does not count. */
  tokens: number;
}

/** @throws RZeroError `EmbeddingUnavailable` when all tries failed, `EmbeddingUnfit` when another try cannot help */
export async function embedTexts(
  server: ModelServer,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Embedded> {
  const { value, calls } = await askModel(
    server,
    {
      path: 'embeddings',
      body: { input: texts, encoding_format: 'float' },
      who: 'embedding model',
      field: 'diversity.embedding',
      keyVariable: EMBEDDING_KEY_VARIABLE,
      codes: { unavailable: 'EmbeddingUnavailable', unfit: 'EmbeddingUnfit' },
      mostBytes: MOST_BYTES,
      read: (answer) => readVectors(answer, texts.length),
    },
    () => undefined,
    signal,
  );
  return { ...value, calls };
}

function isDirection(vector: readonly number[]): boolean {
  const square = vector.reduce((sum, value) => sum + value ** 2, 0);
  return square > 0 && Number.isFinite(square);
}

/** One vector for each text, each once, none of length zero; else undefined. */
function readVectors(answer: unknown, count: number): Omit<Embedded, 'calls'> | undefined {
  const found = embeddings.safeParse(answer).data;
  if (!found) return undefined;
  const vectors = new Map(found.data.map(({ index, embedding }) => [index, embedding]));
  const inOrder = Array.from({ length: count }, (_, index) => vectors.get(index) ?? []);
  const size = inOrder[0]?.length ?? 0;
  const fits = inOrder.every((vector) => vector.length === size && isDirection(vector));
  if (!fits || found.data.length !== count) return undefined;
  return { vectors: inOrder, tokens: found.usage?.prompt_tokens ?? 0 };
}
