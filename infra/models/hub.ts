/** What a repository of the Hugging Face hub holds (https://huggingface.co/docs/hub/api). */
import { RZeroError } from '../../activities/errors.ts';

export interface HubFile {
  name: string;
  bytes: number;
  /** Hexadecimal: sha-256 of the content, or git's sha-1 of a small file. */
  hash: { kind: 'sha256' | 'git-sha1'; value: string };
  url: string;
}

export interface HubRepository {
  id: string;
  commit: string;
  licence: string | undefined;
  files: HubFile[];
}

export interface HubAccess {
  /** `HF_ENDPOINT`. @default https://huggingface.co */
  endpoint: string;
  /** `HF_TOKEN`, for models that ask for an account. */
  token: string | undefined;
}

const WANTED =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|model\.safetensors\.index)\.json$|^chat_template\.jinja$|^[\w-][\w.-]*\.safetensors$/;
/** Adapters and other weights that lie beside those of the model. */
const UNWANTED = /^(adapter|optimizer|training|consolidated)/;

export function hubAccess(env: NodeJS.ProcessEnv = process.env): HubAccess {
  const endpoint = (env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '');
  return { endpoint, token: env['HF_TOKEN'] || undefined };
}

export function hubHeaders({ token }: HubAccess): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/**
 * The files of a model at a branch, tag or commit.
 *
 * @throws RZeroError `SetupFailed` when the hub cannot be reached, `ModelUnreadable` when it has no such model
 */
export async function listHubFiles(id: string, revision: string, access: HubAccess): Promise<HubRepository> {
  const isWanted = (name: string): boolean => WANTED.test(name) && !UNWANTED.test(name);
  const repository = await listRepository({ kind: 'model', id }, revision, access, isWanted);
  const names = new Set(repository.files.map(({ name }) => name));
  if (!names.has('config.json') || !repository.files.some(({ name }) => name.endsWith('.safetensors'))) {
    throw new RZeroError('ModelUnreadable', `${id} on the hub has no config.json with *.safetensors.`, {
      field: 'model',
      fix: 'Choose a repository with weights in the safetensors format, or download a .gguf file and import that.',
    });
  }
  return repository;
}

/**
 * Files of a data set, folders of their names joined by `--`. Where a split is there in several forms, Parquet is taken.
 *
 * @throws RZeroError `SetupFailed` when the hub cannot be reached, `DatasetUnreadable` when it has no such set, or none of the files
 */
export async function listHubDataset(
  id: string,
  revision: string,
  access: HubAccess,
  wanted: RegExp,
): Promise<HubRepository> {
  const isWanted = (name: string): boolean => wanted.test(name) && !/(?:^|\/)\.{1,2}(?:\/|$)|^\/|\\/.test(name);
  const repository = await listRepository({ kind: 'dataset', id }, revision, access, isWanted);
  const [best] = ['.parquet', '.jsonl', '.json']
    .map((ending) => repository.files.filter(({ name }) => name.endsWith(ending)))
    .filter((files) => files.length > 0);
  if (!best) {
    throw new RZeroError('DatasetUnreadable', `${id} on the hub has no file of the form ${wanted.source}.`, {
      field: 'set',
      fix: 'Choose another revision, or download the file by other means and name it in the run input.',
    });
  }
  return { ...repository, files: best.map((file) => ({ ...file, name: file.name.replaceAll('/', '--') })) };
}

interface Asked {
  kind: 'model' | 'dataset';
  id: string;
}

async function listRepository(
  { kind, id }: Asked,
  revision: string,
  access: HubAccess,
  isWanted: (name: string) => boolean,
): Promise<HubRepository> {
  const url = `${access.endpoint}/api/${kind}s/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const response = await request(url, access, id, {}, undefined, kind);
  const json = (await response.json().catch(() => undefined)) as
    { sha?: unknown; siblings?: unknown; cardData?: { license?: unknown } } | undefined;
  if (typeof json?.sha !== 'string' || !/^[0-9a-f]{40}$/.test(json.sha) || !Array.isArray(json.siblings)) {
    throw strange(id, `its description of the ${kind} has not the expected form`);
  }
  const { sha } = json;
  const root = `${access.endpoint}/${kind === 'dataset' ? 'datasets/' : ''}${id}/resolve/${sha}`;
  const files = json.siblings
    .filter((file: unknown): file is { rfilename: string } => {
      const name = (file as { rfilename?: unknown } | null)?.rfilename;
      return typeof name === 'string' && isWanted(name);
    })
    .map((file) => parseFile(file, id, `${root}/${file.rfilename}`));
  const licence = json.cardData?.license;
  return { id, commit: sha, licence: typeof licence === 'string' ? licence : undefined, files };
}

function parseFile(file: { rfilename: string }, id: string, url: string): HubFile {
  const {
    rfilename: name,
    size,
    blobId,
    lfs,
  } = file as typeof file & {
    size?: unknown;
    blobId?: unknown;
    lfs?: { sha256?: unknown };
  };
  const isHash = (value: unknown, digits: number): value is string =>
    typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value);
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) {
    if (isHash(lfs?.sha256, 64)) return { name, bytes: size, hash: { kind: 'sha256', value: lfs.sha256 }, url };
    if (!lfs && isHash(blobId, 40)) return { name, bytes: size, hash: { kind: 'git-sha1', value: blobId }, url };
  }
  throw strange(id, `it gives no size and hash of ${name}`);
}

/** @throws RZeroError unless the answer is a success */
export async function request(
  url: string,
  access: HubAccess,
  id: string,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
  kind: Asked['kind'] = 'model',
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { ...hubHeaders(access), ...headers },
      signal: signal ?? AbortSignal.timeout(60_000),
    });
  } catch (error) {
    throw unreachable(id, access, error);
  }
  if (response.ok) return response;
  await response.body?.cancel();
  const code = kind === 'model' ? 'ModelUnreadable' : 'DatasetUnreadable';
  const field = kind === 'model' ? 'model' : 'set';
  if (response.status === 401 || response.status === 403) {
    throw new RZeroError(code, `The hub does not give out ${id} (HTTP ${response.status}).`, {
      field,
      fix: 'Check the name; for one that asks for an account, accept its terms there and set HF_TOKEN.',
    });
  }
  if (response.status === 404) {
    throw new RZeroError(code, `The hub has no ${kind} ${id}, or not at that revision.`, {
      field,
      fix: 'Check the name and the revision.',
    });
  }
  throw new RZeroError('SetupFailed', `The hub answered HTTP ${response.status} when asked for ${id}.`, {
    fix: 'Try again later.',
  });
}

export function unreachable(id: string, { endpoint }: HubAccess, cause: unknown): RZeroError {
  const reason = (cause as { cause?: { code?: unknown } } | null)?.cause?.code;
  const why = typeof reason === 'string' ? ` (${reason})` : '';
  return new RZeroError('SetupFailed', `${new URL(endpoint).host} cannot be reached to fetch ${id}${why}.`, {
    fix: 'Where the network does not allow it, copy the folder of the model, or the file of the set, to this machine and name that; HF_ENDPOINT names a mirror.',
    cause,
  });
}

function strange(id: string, what: string): RZeroError {
  return new RZeroError('SetupFailed', `The hub answered, but ${what} (${id}).`, {
    fix: 'Check HF_ENDPOINT, or fetch the model by other means and import its folder.',
  });
}
