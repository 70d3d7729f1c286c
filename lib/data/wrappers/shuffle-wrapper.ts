import { validateConfig } from "../../config/schema";
import { randperm } from "../../torch";
import { ShuffleWrapperConfig } from "./configs";
import type { DatasetProtocol } from "../base/dataset";
import { permutationNumbers } from "../random/permutation";
import { numpyPermutation } from "../random/pcg64";
import { Subset } from "./subset";

/**
 * The data set in a random order that stays fixed. With a seed it is NumPy's `default_rng(seed)` order (data spec 16.3),
 * without one it is drawn from the default generator.
 */
export class ShuffleWrapper extends Subset {
  static readonly schema = ShuffleWrapperConfig;
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
