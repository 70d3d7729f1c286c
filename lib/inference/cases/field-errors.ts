import type { NdArray, TypedArray } from "../../data";

/** How far a predicted field is from the truth, over all points and channels, in the units of the field. */
export interface FieldErrors {
  /** √(Σ(p − t)² / Σt²) */
  readonly relative_l2: number;
  /** Mean of |p − t|. */
  readonly mae: number;
  /** Largest |p − t|. */
  readonly max_error: number;
  /** Coefficient of determination, 1 − Σ(p − t)² / Σ(t − mean t)², with the mean of each channel. */
  readonly r2: number;
}

/** Sums over points and cases, from which {@link FieldErrors} follow. */
export class FieldErrorSums {
  #squares = 0;
  #absolutes = 0;
  #largest = 0;
  #truthSquares = 0;
  /** Per channel: number, mean and sum of squared deviations of the truth. */
  readonly #channels: { count: number; mean: number; deviation: number }[] = [];
  #count = 0;

  /** Adds a field (N, C) of one case. Points whose truth is NaN do not count. */
  push(predicted: NdArray, truth: NdArray): this {
    const width = truth.shape[1] ?? 1;
    const [p, t] = [predicted.values as Exclude<TypedArray, BigInt64Array | BigUint64Array>, truth.values];
    for (let i = 0; i < t.length; i++) {
      const expected = Number(t[i]);
      if (Number.isNaN(expected)) continue;
      const error = p[i]! - expected;
      this.#count++;
      this.#squares += error * error;
      this.#absolutes += Math.abs(error);
      this.#largest = Math.max(this.#largest, Math.abs(error));
      this.#truthSquares += expected * expected;
      const channel = (this.#channels[i % width] ??= { count: 0, mean: 0, deviation: 0 });
      channel.count++;
      const before = expected - channel.mean;
      channel.mean += before / channel.count;
      channel.deviation += before * (expected - channel.mean); // Welford
    }
    return this;
  }

  /** The errors of everything that was added; NaN where nothing was, and for a truth that is 0 or constant. */
  finish(): FieldErrors {
    const deviation = this.#channels.reduce((sum, channel) => sum + channel.deviation, 0);
    return {
      relative_l2: Math.sqrt(this.#squares / this.#truthSquares),
      mae: this.#absolutes / this.#count,
      max_error: this.#count === 0 ? NaN : this.#largest,
      r2: deviation > 0 ? 1 - this.#squares / deviation : NaN,
    };
  }
}

/** Errors of one field of one case. */
export function fieldErrors(predicted: NdArray, truth: NdArray): FieldErrors {
  return new FieldErrorSums().push(predicted, truth).finish();
}
