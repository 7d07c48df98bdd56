/**
 * `npm run conformance [-- --vectors FILE ...]`: our functions against the recorded behaviour of the public code, family by family.
 * Ends with `N passed, N failed`; exit code 1 when anything failed.
 */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { familiesOf, type Family } from './families.ts';
import { SHIPPED } from './shipped.ts';
import { loadVectors, type VectorFile } from './vectors.ts';

interface Tally {
  passed: number;
  failed: number;
}

function main(argv: readonly string[]): number {
  let given: string[];
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { vectors: { type: 'string', multiple: true } },
      allowPositionals: true,
    });
    given = [...(values.vectors ?? []), ...positionals];
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
  const total: Tally = { passed: 0, failed: 0 };
  for (const path of given.length > 0 ? given.map((file) => resolve(file)) : SHIPPED.map((url) => fileURLToPath(url))) {
    if (!existsSync(path)) return usage(`There is no file ${path}.`);
    let vectors: VectorFile;
    try {
      vectors = loadVectors(path);
    } catch (error) {
      return usage(`${path} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
    }
    console.log(basename(path));
    for (const family of familiesOf(vectors)) add(total, report(family));
    console.log('');
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

function report({ name, cases }: Family): Tally {
  const failures: string[] = [];
  for (const { name: item, check } of cases) {
    try {
      check();
    } catch (error) {
      failures.push(`      ${item}: ${reasonOf(error)}`);
    }
  }
  const passed = cases.length - failures.length;
  console.log(`  ${failures.length === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(38)} ${passed} of ${cases.length}`);
  for (const failure of failures) console.log(failure);
  return { passed, failed: failures.length };
}

/** One line: the message, and what was got and expected where the message does not say. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, actual, expected } = error as Error & { actual?: unknown; expected?: unknown };
  const what = message.split('\n')[0] as string;
  return expected === undefined ? what : `${what}: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`;
}

function add(total: Tally, { passed, failed }: Tally): void {
  total.passed += passed;
  total.failed += failed;
}

function usage(problem: string): number {
  console.error(`${problem}\nUsage: npm run conformance -- [--vectors FILE ...]`);
  return 2;
}

process.exitCode = main(process.argv.slice(2));
