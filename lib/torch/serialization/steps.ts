/**
 * Work that is the same whether its slow parts (storages to and from disk) run now or on a worker thread: a generator that
 * yields those parts as jobs.
 */

/** A slow part, in both forms. */
export interface Job<T> {
  now(): T;
  later(): Promise<T>;
}

/** Work in steps; returns `T`. */
export type Steps<T> = Generator<Job<unknown>, T, unknown>;

/** Yields a job and returns its result: `const crc = yield* perform(job)`. */
export function* perform<T>(job: Job<T>): Steps<T> {
  return (yield job) as T;
}

/** Runs all jobs on this thread. */
export function runSync<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (!step.done) {
    let result: unknown;
    try {
      result = step.value.now();
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next(result);
  }
  return step.value;
}

/** Runs the jobs on a worker thread, one after the other. */
export async function runAsync<T>(steps: Steps<T>): Promise<T> {
  let step = steps.next();
  while (!step.done) {
    let result: unknown;
    try {
      result = await step.value.later();
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next(result);
  }
  return step.value;
}
