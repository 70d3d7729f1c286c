import type { Body } from "./body";

/** Smallest and largest value of each parameter, in metres and degrees. */
export const RANGES: Readonly<Record<keyof Body, readonly [number, number]>> = {
  length: [0.8, 1.3],
  width: [0.3, 0.46],
  height: [0.24, 0.36],
  ride_height: [0.05, 0.13],
  slant_angle: [0, 40],
  slant_length: [0.1, 0.3],
  nose_radius: [0.05, 0.12],
};

export interface Case {
  readonly name: string;
  readonly body: Body;
}

/** Uniform numbers in [0, 1), the same for the same seed (the generator "mulberry32"). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The cells of one parameter of a Latin hypercube in random order, as shares of its range; not at their ends, where rounding would go beyond. */
export function hypercubeShares(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order.map((cell) => (cell + 0.05 + 0.9 * random()) / count);
}

/** Bodies in a Latin hypercube: of each parameter, every one of `count` equal intervals has one body. */
export function latinHypercube(count: number, seed: number): Body[] {
  const random = randomNumbers(seed);
  const columns = Object.entries(RANGES).map(([name, [low, high]]) => {
    const decimals = name === "slant_angle" ? 2 : 4;
    const value = (share: number) => Number((low + (high - low) * share).toFixed(decimals));
    return [name, hypercubeShares(count, random).map(value)] as const;
  });
  return Array.from(
    { length: count },
    (_, i) => Object.fromEntries(columns.map(([name, values]) => [name, values[i]])) as unknown as Body,
  );
}

/** The cases of the example: two hypercubes, each of which fills the ranges. */
export function allCases(): Case[] {
  const bodies = [7, 8].flatMap((seed) => latinHypercube(48, seed));
  return bodies.map((body, i) => ({ name: `body_${String(i + 1).padStart(2, "0")}`, body }));
}
