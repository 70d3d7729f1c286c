/** The device under test, and what was counted on it. */
import { createRequire } from "node:module";
import { testDevice } from "../support/device";

interface TestAddon {
  isFake(): boolean;
  takeCounts(): Record<string, number>;
  takeUncomputed(): Record<string, number>;
}

/** Absent where `run.mjs` did not start the tests. */
const path = process.env.NOETHER_CUDA_TEST_ADDON;
const addon = path === undefined ? undefined : (createRequire(__filename)(path) as TestAddon);

/** `test` on a CUDA device, of whatever kind. */
export const testOnCuda = testDevice.startsWith("cuda") ? test : test.skip;

/** Whether the device is the fake one. */
export const isFake = addon?.isFake() === true;

/** `test` on the fake CUDA device, which counts what it is asked for. */
export const testOnFake = isFake ? test : test.skip;

/** What the runtime was asked for, by name, and in sum. */
export interface Counts {
  /** Waits for the device. */
  readonly synchronizations: number;
  /** Copies between host and device. */
  readonly copies: number;
  /** Those of memory that may be paged out: the program waits for them. */
  readonly pageableCopies: number;
  /** Kernels, of libtorch and of the libraries. */
  readonly launches: number;
  /** Memory that was taken from the device or given back. */
  readonly allocations: number;
  readonly byName: Readonly<Record<string, number>>;
}

/** What was counted since the last call. */
export function takeCounts(): Counts {
  const byName = addon?.takeCounts() ?? {};
  const sum = (pattern: RegExp) =>
    Object.entries(byName).reduce((total, [name, count]) => (pattern.test(name) ? total + count : total), 0);
  return {
    synchronizations: sum(/^synchronize /),
    copies: sum(/^copy (H2D|D2H)/),
    pageableCopies: sum(/^copy H2D pageable/),
    launches: sum(/^launch /),
    allocations: sum(/^memory /),
    byName,
  };
}

/** Operators whose values on the fake device are wrong because the CPU lacks them, since the last call. */
export const takeUncomputed = (): Record<string, number> => addon?.takeUncomputed() ?? {};

/** Counts by name, those of the most first, with the long names of kernels cut. */
export function describeCounts({ byName }: Counts): string {
  return Object.entries(byName)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${String(count).padStart(5)} ${name.slice(0, 150)}`)
    .join("\n");
}
