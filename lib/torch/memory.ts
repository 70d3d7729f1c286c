/** Counters of live tensors, and the leak check for tests. */
import { types } from "node:util";
import { native } from "./addon";
import { callable, checkArgument, refuseSurplus } from "./arguments";
import { Tensor } from "./tensor";

/** Live tensors and bytes on the host, now and at their peak. */
export interface MemoryCounters {
  readonly tensors: number;
  readonly peakTensors: number;
  readonly bytes: number;
  readonly peakBytes: number;
}

/** Counters of this thread's live tensors and of libtorch's CPU allocator. */
export function memory(): MemoryCounters {
  return native.memory();
}

/** Starts the peaks of {@link memory} anew from what is live. */
export function resetPeakMemory(): void {
  native.resetPeakMemory();
}

/**
 * Gives memory of freed tensors back to the system. On the host it is kept for the next tensors otherwise, for about 30 seconds of work,
 * and never more than live tensors once took; on devices, and page-locked, until another allocation would fail without it.
 */
export function emptyCache(): void {
  native.emptyCache();
}

/** Number of live tensors of this thread. */
export function countTensors(): number {
  return native.memory().tensors;
}

/**
 * For tests: runs `body` and throws when it leaves more live tensors behind than there were. What it returns does not count.
 *
 * @throws Error with the number of tensors that leaked.
 */
export function expectNoLeaks<T>(body: () => T, ...surplus: never[]): T {
  checkArgument("expectNoLeaks", "body", body, callable);
  refuseSurplus("expectNoLeaks", surplus);
  const before = countTensors();
  let returned = 0;
  const check = (): void => {
    const leaked = countTensors() - before - returned;
    if (leaked > 0)
      throw new Error(
        `expected no live tensors to be left behind, got ${leaked}: run the code in scope(), dispose of what it keeps, or return it`,
      );
  };
  const result = body();
  if (types.isPromise(result)) {
    return result.then((value: unknown) => {
      returned = countTensorsIn(value);
      check();
      return value;
    }) as T;
  }
  returned = countTensorsIn(result);
  check();
  return result;
}

function countTensorsIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  if (value instanceof Tensor) return 1;
  const entries = types.isMap(value) ? value.values() : Array.isArray(value) ? value : Object.values(value);
  let count = 0;
  for (const entry of entries as Iterable<unknown>) count += countTensorsIn(entry);
  return count;
}
