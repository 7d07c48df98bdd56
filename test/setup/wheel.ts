import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Wheel } from '../../infra/setup/wheel-download.ts';

const BUILD_SCRIPT = `
import sys, zipfile
path, payload = sys.argv[1], int(sys.argv[2])
with zipfile.ZipFile(path, 'w') as wheel:
    wheel.writestr('fixture/data.bin', b'r' * payload)
    wheel.writestr('fixture/unwanted.txt', 'x')
    wheel.writestr('fixture-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: r-zero-fixture\\nVersion: 1.0\\n')
    wheel.writestr('fixture-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('fixture-1.0.dist-info/RECORD', '')
`;

/** A small real wheel in a folder that stands for a package index, and the environment that makes pip use only that. */
export function buildWheel(index: string, payload = 1000): { wheel: Wheel; path: string; env: NodeJS.ProcessEnv } {
  mkdirSync(index, { recursive: true });
  const file = 'r_zero_fixture-1.0-py3-none-any.whl';
  const path = join(index, file);
  execFileSync('python3', ['-c', BUILD_SCRIPT.replaceAll('fixture-1.0', 'r_zero_fixture-1.0'), path, String(payload)]);
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  const env = { ...process.env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: index };
  return { wheel: { requirement: 'r-zero-fixture==1.0', file, sha256 }, path, env };
}
