import { InvalidInputError, ParallelErrors } from "./errors";

/**
 * Runs a function over items, at most so many at a time. All items run, also after one has failed.
 *
 * @param maxWorkers default: 8
 * @returns results in the order of the items
 * @throws ParallelErrors with every failure and its item; InvalidInputError when `maxWorkers` is less than 1
 */
export async function parallelMapCollectErrors<T, R>(
  task: (item: T, index: number) => Promise<R>,
  items: readonly T[],
  maxWorkers = 8,
): Promise<R[]> {
  expectWorkers(maxWorkers, "max_workers");
  const results = new Array<R>(items.length);
  const errors: (readonly [T, unknown, number])[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index] as T;
      try {
        results[index] = await task(item, index);
      } catch (error) {
        errors.push([item, error, index]);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxWorkers, items.length) }, worker));
  if (errors.length > 0) {
    errors.sort(([, , a], [, , b]) => a - b);
    throw new ParallelErrors(errors.map(([item, error]) => [item, error] as const));
  }
  return results;
}

/** @throws InvalidInputError unless it is a whole number of at least 1 */
export function expectWorkers(workers: number, name: string): void {
  if (!Number.isSafeInteger(workers) || workers < 1)
    throw new InvalidInputError(`expected ${name} to be a whole number of at least 1, got ${workers}`);
}
