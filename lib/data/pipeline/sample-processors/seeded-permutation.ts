import type { Tensor } from "../../../torch";
import { ValueError } from "../../../config/python-errors";
import { permutation } from "../../random/permutation";
import type { Sample } from "../../sample";

/**
 * Random permutation of n rows of a sample, `(n,)` int64. With a seed it depends only on the number of the sample: the
 * generator is seeded with `index + seed`. Without one it comes from the default generator.
 */
export function samplePermutation(n: number, sample: Sample, seed: number | null, owner: object): Tensor {
  if (seed === null) return permutation(n);
  const index = sample["index"];
  if (typeof index !== "number")
    throw new ValueError(
      `${owner.constructor.name}: expected "index" in the sample, which a seed needs (was it left out by included_properties?)`,
    );
  return permutation(n, index + seed);
}
