import type { Tensor } from "../../torch";
import { AssertionError } from "../../config/python-errors";
import { RunningMoments } from "./running-moments";

/** Moments per channel of values and, beside them, of `sign(x) · log(1 + |x|)`. */
export class RunningStats {
  readonly #linear = new RunningMoments();
  readonly #logScaled = new RunningMoments(true);

  /** @param name for messages */
  constructor(readonly name: string | null = null) {}

  /** Adds a tensor with the channels along `dim`; see {@link RunningMoments.pushTensor}. */
  pushTensor(x: Tensor, { dim = 1 }: { dim?: number } = {}): void {
    this.#linear.pushTensor(x, { dim });
    this.#logScaled.pushTensor(x, { dim });
  }

  get min(): number[] {
    return this.#filled(this.#linear, 1).min;
  }

  get max(): number[] {
    return this.#filled(this.#linear, 1).max;
  }

  get mean(): number[] {
    return this.#filled(this.#linear, 1).mean;
  }

  /** Unbiased, as are the others. */
  get var(): number[] {
    return this.#filled(this.#linear, 2).var;
  }

  get std(): number[] {
    return this.#filled(this.#linear, 2).std;
  }

  get logmean(): number[] {
    return this.#filled(this.#logScaled, 1).mean;
  }

  get logvar(): number[] {
    return this.#filled(this.#logScaled, 2).var;
  }

  get logstd(): number[] {
    return this.#filled(this.#logScaled, 2).std;
  }

  #filled(moments: RunningMoments, needed: number): RunningMoments {
    if (moments.count >= needed) return moments;
    const name = this.name === null ? "" : ` of "${this.name}"`;
    throw new AssertionError(`RunningStats${name}: expected at least ${needed} values, has ${moments.count}`);
  }
}
