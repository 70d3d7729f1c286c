/**
 * NumPy's `default_rng(seed).permutation(n)`: seeds through SeedSequence, draws with PCG64.
 *
 * O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms for random number generation" (2014).
 */

const MASK_64 = (1n << 64n) - 1n;
const MASK_128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** Four 64-bit words of state from a seed. */
function seedSequence(seed: number): bigint[] {
  const entropy: number[] = [];
  for (let rest = BigInt(seed); entropy.length === 0 || rest > 0n; rest >>= 32n)
    entropy.push(Number(rest & 0xffffffffn));

  let hashState = 0x43b0d7e5;
  const hash = (value: number): number => {
    value = (value ^ hashState) >>> 0;
    hashState = Math.imul(hashState, 0x931e8875) >>> 0;
    value = Math.imul(value, hashState) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mix = (x: number, y: number): number => {
    const z = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
    return (z ^ (z >>> 16)) >>> 0;
  };

  const pool = [0, 1, 2, 3].map((k) => hash(entropy[k] ?? 0));
  for (let src = 0; src < 4; src++) {
    for (let dst = 0; dst < 4; dst++) if (src !== dst) pool[dst] = mix(pool[dst]!, hash(pool[src]!));
  }
  for (const word of entropy.slice(4)) {
    for (let dst = 0; dst < 4; dst++) pool[dst] = mix(pool[dst]!, hash(word));
  }

  let state = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, k) => {
    let value = (pool[k % 4]! ^ state) >>> 0;
    state = Math.imul(state, 0x58f38ded) >>> 0;
    value = Math.imul(value, state) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  });
  return [0, 1, 2, 3].map((k) => BigInt(words[2 * k]!) | (BigInt(words[2 * k + 1]!) << 32n));
}

/** A function that draws 32-bit numbers: the low half of each 64-bit draw first, then its high half. */
function pcg64(seed: number): () => number {
  const [w0, w1, w2, w3] = seedSequence(seed) as [bigint, bigint, bigint, bigint];
  const increment = (((w2 << 64n) | w3) * 2n + 1n) & MASK_128;
  let state = 0n;
  const step = (): void => {
    state = (state * MULTIPLIER + increment) & MASK_128;
  };
  step();
  state = (state + ((w0 << 64n) | w1)) & MASK_128;
  step();

  let buffered: number | undefined;
  return () => {
    if (buffered !== undefined) {
      const high = buffered;
      buffered = undefined;
      return high;
    }
    step();
    const folded = ((state >> 64n) ^ state) & MASK_64;
    const rotation = state >> 122n;
    const draw = ((folded >> rotation) | (folded << (64n - rotation))) & MASK_64;
    buffered = Number(draw >> 32n);
    return Number(draw & 0xffffffffn);
  };
}

/** `default_rng(seed).permutation(n)` of NumPy. */
export function numpyPermutation(n: number, seed: number): number[] {
  const order = Array.from({ length: n }, (_, index) => index);
  const draw = pcg64(seed);
  for (let i = n - 1; i > 0; i--) {
    let mask = i;
    for (let shift = 1; shift < 32; shift *= 2) mask |= mask >>> shift;
    mask >>>= 0;
    let j: number;
    do j = (draw() & mask) >>> 0;
    while (j > i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
