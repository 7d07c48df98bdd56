import { basename } from 'node:path';
import { RZeroError } from '../errors.ts';
import { MANIFEST } from './checkpoint-manifest.ts';
import { hashFile, readCheckpointManifest } from './checkpoint.ts';
import type { CheckpointFile } from './types.ts';

/** A file that is not what it should be. */
export interface FileProblem {
  file: string;
  problem: 'missing' | 'size' | 'hash' | 'manifest' | 'base';
  /** Bytes, a sha-256, or a state. */
  expected?: string;
  actual?: string;
}

/**
 * Hashes every file of a checkpoint, and tells of all that differ.
 *
 * @param expected what is known of its files, and of what its adapters lie on, from elsewhere; the manifest must say the same
 * @param except files that are known to be gone
 */
export async function inspectCheckpoint(
  path: string,
  expected: ExpectedContent,
  except: ReadonlySet<string> = new Set(),
): Promise<FileProblem[]> {
  const problems = await inspectManifest(path, expected);
  for (const { name, bytes, sha256 } of expected.files) {
    if (except.has(name)) continue;
    const actual = await hashFile(path, name).catch((error: unknown) => {
      if (error instanceof RZeroError) return undefined;
      throw error;
    });
    if (!actual) problems.push({ file: name, problem: 'missing' });
    else if (actual.bytes !== bytes) {
      problems.push({ file: name, problem: 'size', expected: `${bytes} bytes`, actual: `${actual.bytes} bytes` });
    } else if (actual.sha256 !== sha256) {
      problems.push({ file: name, problem: 'hash', expected: sha256, actual: actual.sha256 });
    }
  }
  return problems;
}

export interface ExpectedContent {
  files: readonly CheckpointFile[];
  /** Null for weights. */
  base: string | null;
}

async function inspectManifest(path: string, { files, base }: ExpectedContent): Promise<FileProblem[]> {
  try {
    const read = await readCheckpointManifest(path);
    if (!read) return [{ file: MANIFEST, problem: 'missing' }];
    if (read.id !== basename(path)) {
      return [{ file: MANIFEST, problem: 'hash', expected: basename(path), actual: read.id }];
    }
    if (listOf(read.manifest.files) !== listOf(files)) {
      return [{ file: MANIFEST, problem: 'manifest', expected: 'the files of its row', actual: 'other files' }];
    }
    const found = read.manifest.base?.id ?? null;
    return found === base
      ? []
      : [{ file: MANIFEST, problem: 'manifest', expected: baseText(base), actual: baseText(found) }];
  } catch (error) {
    if (!(error instanceof RZeroError)) throw error;
    return [{ file: MANIFEST, problem: 'manifest', expected: 'a manifest', actual: error.message }];
  }
}

const baseText = (base: string | null): string => (base === null ? 'no base' : `base ${base}`);

const listOf = (files: readonly CheckpointFile[]): string =>
  files
    .map(({ name, bytes, sha256 }) => `${name} ${bytes} ${sha256}`)
    .sort()
    .join('\n');
