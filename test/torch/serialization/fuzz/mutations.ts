/** Ways to break a file, drawn from a seeded stream so that a failure can be run again. */

export interface Random {
  /** An integer in [0, limit). */
  below(limit: number): number;
}

/** Mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return {
    below(limit) {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
    },
  };
}

type Mutation = (bytes: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

/** Numbers that lengths and offsets break at. */
const EXTREMES = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

const flipBits: Mutation = (bytes, random) => {
  const result = Buffer.from(bytes);
  for (let flips = 1 + random.below(8); flips > 0; flips--)
    result[random.below(result.length)]! ^= 1 << random.below(8);
  return result;
};

const setBytes: Mutation = (bytes, random) => {
  const result = Buffer.from(bytes);
  for (let count = 1 + random.below(4); count > 0; count--) result[random.below(result.length)] = random.below(256);
  return result;
};

const truncate: Mutation = (bytes, random) => bytes.subarray(0, random.below(bytes.length));

const remove: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + random.below(64))]);
};

const splice: Mutation = (bytes, random, others) => {
  const donor = others[random.below(others.length)]!;
  const from = random.below(donor.length);
  const piece = donor.subarray(from, from + 1 + random.below(200));
  const at = random.below(bytes.length);
  const replaced = random.below(2) === 0 ? 0 : piece.length;
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + replaced)]);
};

/** An extreme number of 1, 2, 4 or 8 bytes somewhere: sooner or later every length field has had one. */
const attackLengths: Mutation = (bytes, random) => {
  const result = Buffer.from(bytes);
  const width = [1, 2, 4, 8][random.below(4)]!;
  const value =
    random.below(4) === 0 ? BigInt(bytes.length - 2 + random.below(4)) : EXTREMES[random.below(EXTREMES.length)]!;
  const field = Buffer.alloc(8);
  field.writeBigUInt64LE(BigInt.asUintN(64, value));
  // the end of a zip archive is dense with lengths
  const range = random.below(2) === 0 ? Math.min(bytes.length, 300) : bytes.length;
  field.copy(result, bytes.length - 1 - random.below(range), 0, width);
  return result;
};

const repeat: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  const piece = bytes.subarray(from, from + 1 + random.below(100));
  return Buffer.concat([
    bytes.subarray(0, from),
    ...Array<Buffer>(2 + random.below(20)).fill(piece),
    bytes.subarray(from),
  ]);
};

const MUTATIONS = [
  flipBits,
  flipBits,
  setBytes,
  setBytes,
  truncate,
  remove,
  splice,
  splice,
  attackLengths,
  attackLengths,
  repeat,
];

/** One or two mutations of `bytes`; `others` give the pieces for splices. */
export function mutate(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  let result = bytes;
  for (let count = 1 + random.below(2); count > 0 && result.length > 0; count--) {
    result = MUTATIONS[random.below(MUTATIONS.length)]!(result, random, others);
  }
  return result;
}
