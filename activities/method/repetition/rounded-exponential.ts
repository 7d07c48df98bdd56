/**
 * exp and log that round correctly (but for about one argument in ten thousand, where the last bit may differ), on every platform.
 * `Math.exp` and `Math.log` are off by one unit in the last place now and then, and not where the C library under Python is.
 * Such a bit decides which of two clusters at mathematically equal distances is merged first, hence who shares a cluster.
 *
 * exp(x) = 2^(k / 128) exp(r) by a table of powers and a polynomial, both carried as the sum of two doubles.
 */
const STEPS = 128;
/** ln 2 / 128, the head short enough that its product with the step number k is exact. */
const STEP_HEAD = 47632711549 / 2 ** 43;
const STEP_TAIL = 1.2864023111638346e-14;
/** Veltkamp's constant: splits a double into two halves of 26 bits. */
const SPLITTER = 2 ** 27 + 1;
/** Beyond this the result or its tail could leave the range of normal numbers. */
const MAX_ARGUMENT = 600;

const TABLE_BITS = 200n;
const powerHead = new Float64Array(STEPS);
const powerTail = new Float64Array(STEPS);
/** Powers of two from 2^-MAX_EXPONENT on: `**` is not exact everywhere, and slow. */
const MAX_EXPONENT = 900;
const scales = new Float64Array(2 * MAX_EXPONENT + 1);
fillPowers();

/** 2^(j / 128) in fixed point: repeated square roots give the root, repeated products its powers. */
function fillPowers(): void {
  const one = 1n << TABLE_BITS;
  let root = one << 1n;
  for (let steps = STEPS; steps > 1; steps /= 2) root = integerRoot(root << TABLE_BITS);
  let power = one;
  for (let j = 0; j < STEPS; j += 1) {
    const head = Number(power) / 2 ** Number(TABLE_BITS);
    powerHead[j] = head;
    powerTail[j] = Number(power - BigInt(head * 2 ** Number(TABLE_BITS))) / 2 ** Number(TABLE_BITS);
    power = (power * root) >> TABLE_BITS;
  }
  scales[MAX_EXPONENT] = 1;
  for (let e = 1; e <= MAX_EXPONENT; e += 1) {
    scales[MAX_EXPONENT + e] = 2 * (scales[MAX_EXPONENT + e - 1] as number);
    scales[MAX_EXPONENT - e] = (scales[MAX_EXPONENT - e + 1] as number) / 2;
  }
}

function integerRoot(square: bigint): bigint {
  let guess = 1n << BigInt((square.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (guess + square / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** The tail of the last `scaledHead`; a pair of module variables instead of an object for each of millions of calls. */
let lastTail = 0;

/** Head of exp(x) as a sum of two doubles; `lastTail` is the other one. |x| <= MAX_ARGUMENT */
function exponentialHead(x: number): number {
  const k = Math.round(x / STEP_HEAD);
  const rHead = x - k * STEP_HEAD;
  const rTail = -k * STEP_TAIL;
  const r = rHead + rTail;
  const polynomial = r * r * (0.5 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r / 720))));
  const small = rHead + polynomial;
  const smallTail = polynomial - (small - rHead) + rTail;

  const index = k & (STEPS - 1);
  const head = powerHead[index] as number;
  const tail = powerTail[index] as number;
  const product = head * small;
  const productTail = productError(head, small, product);
  const sum = head + product;
  const rest = product - (sum - head) + (productTail + tail + head * smallTail + tail * small);
  const result = sum + rest;
  const scale = scales[MAX_EXPONENT + (k - index) / STEPS] as number;
  lastTail = (rest - (result - sum)) * scale;
  return result * scale;
}

/** a b - product, exactly (Dekker). */
function productError(a: number, b: number, product: number): number {
  const aSplit = SPLITTER * a;
  const aHigh = aSplit - (aSplit - a);
  const aLow = a - aHigh;
  const bSplit = SPLITTER * b;
  const bHigh = bSplit - (bSplit - b);
  const bLow = b - bHigh;
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

export function roundedExp(x: number): number {
  return x >= -MAX_ARGUMENT && x <= MAX_ARGUMENT ? exponentialHead(x) : Math.exp(x);
}

/** Natural logarithm: `Math.log`, corrected by what exp of it misses x by. */
export function roundedLog(x: number): number {
  const guess = Math.log(x);
  if (!(x > 0) || guess === 0 || Math.abs(guess) > MAX_ARGUMENT) return guess;
  const inverse = exponentialHead(-guess);
  const inverseTail = lastTail;
  const product = x * inverse;
  return guess + (product - 1 + productError(x, inverse, product) + x * inverseTail);
}
