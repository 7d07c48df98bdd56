/** `manifest.json`: what an export holds, and how far it has come. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RZeroError } from '../errors.ts';
import { codeOf } from '../engine/staging.ts';
import { FORMATS, KINDS, TAKES } from './kinds.ts';
import { writeWhole } from './shard.ts';

export const MANIFEST_NAME = 'manifest.json';

const shard = z.object({
  /** Relative to the export's folder. */
  file: z.string(),
  rows: z.int(),
  bytes: z.int(),
  sha256: z.string(),
  /** Key of the last row, from which the next shard goes on. */
  last: z.array(z.union([z.string(), z.number()])),
});

const manifest = z.object({
  formatVersion: z.literal(2),
  runId: z.string(),
  /** Tells runs of the same name in two databases apart. */
  runCreatedAt: z.string(),
  what: z.enum(KINDS),
  format: z.enum(FORMATS),
  takes: z.enum(TAKES),
  codeVersion: z.string(),
  rowsPerShard: z.int(),
  /** What was there when the export began; later rows are not of it. */
  limits: z.object({
    iteration: z.int(),
    recomputation: z.int(),
    pruning: z.int(),
    audit: z.int(),
    at: z.string(),
    take: z.int(),
  }),
  complete: z.boolean(),
  relations: z.array(z.object({ name: z.string(), complete: z.boolean(), rows: z.int(), shards: z.array(shard) })),
  /** Files beside the shards, such as the data card. */
  files: z.array(z.object({ file: z.string(), bytes: z.int(), sha256: z.string() })),
});

export type ExportManifest = z.infer<typeof manifest>;
export type ExportShard = z.infer<typeof shard>;

/** @returns undefined for a folder without one */
export async function readManifest(folder: string): Promise<ExportManifest | undefined> {
  const path = join(folder, MANIFEST_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  const parsed = manifest.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new RZeroError(
    'RunInputInvalid',
    `${path} is not the manifest of an export that this version can go on with.`,
    {
      field: 'output',
      fix: 'Choose another folder with --output, or delete this one.',
    },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function writeManifest(folder: string, content: ExportManifest): Promise<void> {
  await writeWhole(join(folder, MANIFEST_NAME), (sink) => sink(Buffer.from(`${JSON.stringify(content, null, 2)}\n`)));
}
