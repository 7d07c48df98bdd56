import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { RZeroError } from '../../activities/errors.ts';
import { PROPERTY_SEED } from '../support/properties.ts';
import { createFamilies } from './families.ts';
import type { Family } from './families.ts';
import { formatResult, fuzzFamily } from './fuzz.ts';

/** Of each family; `npm run fuzz` tries more. */
const INPUTS = process.env['R_ZERO_SOAK'] ? 1_000 : 120;

const folder = mkdtempSync(join(tmpdir(), 'r-zero-test-fuzz-'));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('malformed inputs get a coded error or an answer, within a second of processor time', () => {
  for (const family of createFamilies(folder)) {
    test(family.name, async (context) => {
      const result = await fuzzFamily(family, INPUTS, PROPERTY_SEED);
      context.diagnostic(formatResult(result));
      assert.deepEqual(
        result.findings.map(({ index, what }) => `input ${index}: ${what}`),
        [],
      );
      const refused = INPUTS - result.accepted;
      assert.ok(refused > INPUTS / 2, `${refused} of ${INPUTS} were malformed: the family alters too little`);
    });
  }
});

describe('the fuzzer', () => {
  const family = (read: Family['read']): Family => ({ name: 'made up', make: () => Buffer.from('x'), read });

  test('makes the same inputs of the same seed, and others of another', async () => {
    const inputs = async (seed: number): Promise<string[]> => {
      const seen: string[] = [];
      for (const { name, make } of createFamilies(folder)) {
        await fuzzFamily({ name, make, read: (input) => void seen.push(input.toString('hex')) }, 3, seed);
      }
      return seen;
    };
    const first = await inputs(1);
    assert.deepEqual(await inputs(1), first);
    assert.notDeepEqual(await inputs(2), first);
  });

  test('finds an error without a code, a hang and a bomb, and takes a coded error', async () => {
    const found = async (read: Family['read']): Promise<string> => {
      const { findings, codes } = await fuzzFamily(family(read), 1, 1);
      return findings.map(({ what }) => what).join() || Object.keys(codes).join();
    };
    const burn = (): void => {
      const spent = (): number => Object.values(process.cpuUsage()).reduce((sum, time) => sum + time);
      for (const start = spent(); spent() - start < 1_100_000;) Math.random();
    };
    assert.match(await found(() => (undefined as unknown as Buffer).length), /an error without a code: TypeError/);
    assert.match(await found(burn), /\d\.\d s of processor time/);
    assert.match(await found(() => Buffer.alloc(400 * 2 ** 20)), /MiB of memory/);
    const refuse = () => Promise.reject(new RZeroError('ModelUnreadable', 'No.'));
    assert.equal(await found(refuse), 'ModelUnreadable');
  });
});
