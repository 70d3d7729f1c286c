import { randperm, scope, type Generator } from "../../torch";
import type { SamplerLike } from "../../core/interfaces/data";
import { drawSeed } from "../random/draw-seed";
import { permutation, permutationNumbers } from "../random/permutation";
import type { SampleSource } from "./sampler";

/**
 * A new random order in each pass, PyTorch's `RandomSampler`: the seed of each pass is drawn from the
 * default generator, or the order comes from the generator given.
 */
export class RandomSampler implements SamplerLike {
  constructor(
    readonly dataSource: SampleSource,
    readonly generator: Generator | null = null,
  ) {}

  get length(): number {
    return this.dataSource.length;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    const order = scope(() =>
      permutationNumbers(
        this.generator ? randperm(this.length, { generator: this.generator }) : permutation(this.length, drawSeed()),
      ),
    );
    yield* order;
    // PyTorch's sampler then draws the order of a part of a pass, here of none
    if (this.generator) scope(() => randperm(this.length, { generator: this.generator }));
  }
}
