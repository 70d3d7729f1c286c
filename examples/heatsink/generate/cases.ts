import { hypercubeShares, randomNumbers } from "../../bluff-body/generate/cases";
import type { Heatsink } from "./heatsink";

/** Smallest and largest value of each parameter, in the units of {@link Heatsink}. */
export const RANGES: Readonly<Record<keyof Omit<Heatsink, "width" | "depth">, readonly [number, number]>> = {
  fin_count: [4, 10],
  fin_height: [15, 40],
  fin_thickness: [1, 3],
  base_thickness: [2, 8],
  chip_size: [15, 40],
  chip_offset: [-8, 8],
  power: [20, 60],
  convection: [40, 120],
};

export interface Case {
  readonly name: string;
  readonly heatsink: Heatsink;
}

/** Heatsinks in a Latin hypercube: of each parameter, every one of `count` equal intervals has one heatsink. */
export function latinHypercube(count: number, seed: number): Heatsink[] {
  const random = randomNumbers(seed);
  const columns = Object.entries(RANGES).map(([name, [low, high]]) => {
    const value = (share: number) => {
      if (name === "fin_count") return low + Math.floor(share * (high - low + 1));
      return Number((low + (high - low) * share).toFixed(2));
    };
    return [name, hypercubeShares(count, random).map(value)] as const;
  });
  return Array.from(
    { length: count },
    (_, i) =>
      ({
        width: 60,
        depth: 60,
        ...Object.fromEntries(columns.map(([name, values]) => [name, values[i]])),
      }) as unknown as Heatsink,
  );
}

/** The cases of the example. */
export function allCases(): Case[] {
  return latinHypercube(60, 11).map((heatsink, i) => ({
    name: `heatsink_${String(i + 1).padStart(2, "0")}`,
    heatsink,
  }));
}
