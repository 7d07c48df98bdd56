/**
 * Traced programs on disk, by everything that decides what they are: the model's shape, the options, and the code that
 * traces. `<cache>/graphs/<key>/` holds `saved_model.pb` and `entries.json`; a folder appears whole or not at all, and one
 * that does not match its own hash is made anew. Without a writable cache a program is traced each time.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelConfig } from '../config.ts';
import { encodeSavedModel } from './graph-def.ts';
import type { Program, ProgramOptions } from './program.ts';
import type { EntryPoints } from './session.ts';

const GRAPH = 'saved_model.pb';
const ENTRIES = 'entries.json';
/** Programs of other models and of other versions of this code that are kept. */
const MOST_PROGRAMS = 50;

export interface StoredProgram {
  /** Holds `saved_model.pb`; given to the native library as it is. */
  folder: string;
  entries: EntryPoints;
  /** Whether it was found, not made. */
  cached: boolean;
  /** Removes what is not kept for the next time; after the program has been loaded. */
  release(): void;
}

/** As the set-up has it: `R_ZERO_CACHE`, else `$XDG_CACHE_HOME/r-zero`, else `~/.cache/r-zero`. */
export function graphCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const root = env['R_ZERO_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'r-zero');
  return join(resolve(root), 'graphs');
}

export function loadProgram(
  cache: string,
  config: ModelConfig,
  options: ProgramOptions,
  trace: () => Program,
): StoredProgram {
  const target = join(cache, programKey(config, options));
  const known = readProgram(target);
  if (known) return { folder: target, entries: known, cached: true, release: () => undefined };
  const { nodes, entries } = trace();
  const graph = encodeSavedModel(nodes);
  try {
    mkdirSync(cache, { recursive: true });
    const staging = join(cache, `.staging-${process.pid}-${randomUUID()}`);
    writeProgram(staging, graph, entries);
    rmSync(target, { recursive: true, force: true });
    try {
      renameSync(staging, target);
    } catch {
      // Another process was faster; its program is the same.
      rmSync(staging, { recursive: true, force: true });
    }
    prune(cache);
    if (readProgram(target)) return { folder: target, entries, cached: false, release: () => undefined };
  } catch {
    // No cache then: it saves time and nothing else.
  }
  const folder = mkdtempSync(join(tmpdir(), 'r-zero-graph-'));
  writeFileSync(join(folder, GRAPH), graph);
  return { folder, entries, cached: false, release: () => rmSync(folder, { recursive: true, force: true }) };
}

function writeProgram(folder: string, graph: Uint8Array, entries: EntryPoints): void {
  mkdirSync(folder);
  writeFileSync(join(folder, GRAPH), graph);
  writeFileSync(join(folder, ENTRIES), JSON.stringify({ sha256: sha256(graph), entries }));
}

/** Nothing when there is none, or when it is damaged. */
function readProgram(folder: string): EntryPoints | undefined {
  try {
    const stored = JSON.parse(readFileSync(join(folder, ENTRIES), 'utf8')) as { sha256: string; entries: EntryPoints };
    return stored.sha256 === sha256(readFileSync(join(folder, GRAPH))) ? stored.entries : undefined;
  } catch {
    return undefined;
  }
}

function programKey(config: ModelConfig, options: ProgramOptions): string {
  return sha256(JSON.stringify([sourceHash(), options, Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))]));
}

let sources: string | undefined;

/** Of all code of the engine: whatever is changed in it, an old program is never taken for a new one. */
function sourceHash(): string {
  if (sources) return sources;
  const file = fileURLToPath(import.meta.url);
  const hash = createHash('sha256');
  for (const folder of [dirname(dirname(file)), dirname(file)]) {
    for (const name of readdirSync(folder).sort()) {
      if (extname(name) === extname(file)) hash.update(name).update(readFileSync(join(folder, name)));
    }
  }
  return (sources = hash.digest('hex'));
}

function prune(cache: string): void {
  const ages = readdirSync(cache).map((name) => ({ name, mtimeMs: statSync(join(cache, name)).mtimeMs }));
  ages.sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { name } of ages.slice(MOST_PROGRAMS)) rmSync(join(cache, name), { recursive: true, force: true });
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
