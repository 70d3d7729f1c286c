import type { z } from "zod";
import { int, optional, validateConfig, type FieldType } from "../../config/schema";
import { randperm } from "../../torch";
import { register } from "../../config/registry";
import { DatasetWrapperConfig } from "../base/wrapper-config";
import type { DatasetProtocol } from "../base/dataset";
import { describeSource } from "../base/dataset-source";
import { permutationNumbers } from "../random/permutation";
import { numpyPermutation } from "../random/pcg64";
import { Subset, subsetSource } from "./subset";

/** A fixed random order; the same for the same seed. */
export const ShuffleWrapperConfig = DatasetWrapperConfig.extend("ShuffleWrapperConfig", {
  extra: "ignore",
  fields: {
    /** Of the order, which stays; null: another in each run. */
    seed: optional(int({ ge: 0 })),
  },
});
export type ShuffleWrapperConfig = z.output<typeof ShuffleWrapperConfig>;

/**
 * The data set in a random order that stays fixed. With a seed it is NumPy's `default_rng(seed)` order,
 * without one it is drawn from the default generator.
 */
export class ShuffleWrapper extends Subset {
  static readonly schema: FieldType = ShuffleWrapperConfig;
  readonly seed: number | null;

  constructor(config: { kind?: string; seed?: number | null }, dataset: DatasetProtocol) {
    const { seed } = validateConfig(ShuffleWrapperConfig, { kind: "", ...config });
    const n = dataset.length;
    super(dataset, seed === null ? permutationNumbers(randperm(n)) : numpyPermutation(n, seed));
    this.seed = seed;
  }

  override toString(): string {
    return `${this.dataset.toString()} (shuffled with seed=${this.seed ?? "None"})`;
  }
}

describeSource(ShuffleWrapper, subsetSource);
register("noether.data.base.wrappers.ShuffleWrapper", {
  class: ShuffleWrapper,
  aliases: ["noether.data.base.wrappers.shuffle.ShuffleWrapper", "noether.data.ShuffleWrapper"],
});
