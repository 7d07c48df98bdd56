/**
 * Malformed inputs in numbers: `npm run fuzz -- --count 10000 --seed 1`. One line a family; a finding is an error without a code,
 * a second of processor time or 256 MiB for one input, and its input is kept. `--family NAME` runs one alone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createFamilies } from './families.ts';
import { formatResult, fuzzFamily } from './fuzz.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    family: { type: 'string' },
  },
});
const count = Number(values.count);
const seed = Number(values.seed);
if (![count, seed].every((value) => Number.isSafeInteger(value) && value >= 0)) {
  throw new Error('--count and --seed are whole numbers.');
}

const folder = mkdtempSync(join(tmpdir(), 'r-zero-fuzz-'));
let findings = 0;
try {
  const all = createFamilies(folder);
  const families = all.filter(({ name }) => values.family === undefined || name === values.family);
  if (families.length === 0) throw new Error(`Families: ${all.map(({ name }) => name).join(', ')}.`);
  const each = Math.ceil(count / families.length);
  for (const family of families) {
    const result = await fuzzFamily(family, each, seed);
    console.log(formatResult(result));
    for (const { index, what, input } of result.findings) {
      const kept = join(tmpdir(), `r-zero-finding-${family.name.replaceAll(/\W+/g, '-')}-${seed}-${index}`);
      writeFileSync(kept, input);
      console.log(`  input ${index}, kept in ${kept}: ${what}`);
    }
    findings += result.findings.length;
  }
  console.log(`${each * families.length} inputs, ${findings} findings, seed ${seed}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = findings === 0 ? 0 : 1;
