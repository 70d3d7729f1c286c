/**
 * Results of several parts whose parts have names, PyTorch's `namedtuple`s: `x.max(1).values`, `const { values, indices } = x.max(1)` and
 * `const [values, indices] = x.max(1)`.
 *
 * A result is an array. Its prototype, one for each set of names, has a getter for each of them, so that arrays of the same parts are equal
 * to it, and nothing is listed twice.
 */

/** @internal The prototype of arrays whose entries have these names. */
export type NamesOfResults = object & { readonly names: unique symbol };

const prototypes = new Map<string, NamesOfResults>();

/** @internal The prototype for these names. */
export function resultNames(...names: string[]): NamesOfResults {
  const key = names.join();
  let prototype = prototypes.get(key);
  if (prototype === undefined) {
    const getters = names.map((name, index): [string, PropertyDescriptor & ThisType<unknown[]>] => [
      name,
      {
        configurable: true,
        get() {
          return this[index];
        },
      },
    ]);
    prototype = Object.create(Array.prototype, Object.fromEntries(getters)) as NamesOfResults;
    prototypes.set(key, prototype);
  }
  return prototype;
}

/** @internal The array as a result with names. */
export function named<T extends unknown[]>(names: NamesOfResults, entries: T): T {
  return Object.setPrototypeOf(entries, names) as T;
}
