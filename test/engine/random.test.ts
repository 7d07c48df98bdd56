import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normals, parseSeed, philox4x32, uniform } from '../../activities/engine/random.ts';

test('philox4x32-10 gives the known answers of the Random123 distribution', () => {
  const words = (text: string): [number, number, number, number] =>
    text.split(' ').map((word) => Number.parseInt(word, 16)) as [number, number, number, number];
  const cases = [
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ] as const;
  for (const [counter, key, expected] of cases) {
    const [k0, k1] = words(key);
    assert.deepEqual(philox4x32(words(counter), [k0, k1]), words(expected));
  }
});

test('a seed is read as one 64-bit number, and anything else is refused by field', () => {
  assert.deepEqual(parseSeed('0123456789abcdef'), [0x89abcdef, 0x01234567]);
  for (const seed of ['', '123', '0123456789abcdeg', '0123456789abcdef0', 5 as unknown as string]) {
    assert.throws(() => parseSeed(seed, 'items[3].seed'), { code: 'EngineRequestInvalid', field: 'items[3].seed' });
  }
});

test('uniform numbers fill [0, 1) evenly, over positions and over neighbouring seeds', () => {
  for (const draw of [
    (i: number) => uniform([7, 0], i),
    (i: number) => uniform([i, 0], 0),
    (i: number) => uniform([0, i], 3),
  ]) {
    const bins = Array.from({ length: 16 }, () => 0);
    const count = 16_000;
    for (let i = 0; i < count; i++) {
      const u = draw(i);
      assert.ok(u >= 0 && u < 1);
      bins[Math.floor(u * 16)]! += 1;
    }
    const chiSquare = bins.reduce((sum, bin) => sum + (bin - 1000) ** 2 / 1000, 0);
    // 99.99 % point of chi-square with 15 degrees of freedom.
    assert.ok(chiSquare < 44, `chi-square ${chiSquare}`);
  }
});

test('normal numbers have mean 0, variance 1, and streams differ', () => {
  const values = normals([1, 2], 0, 20_001);
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  assert.ok(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.04, `mean ${mean}, variance ${variance}`);
  assert.notDeepEqual(normals([1, 2], 1, 8), values.slice(0, 8));
  assert.deepEqual(normals([1, 2], 0, 8), values.slice(0, 8));
});
