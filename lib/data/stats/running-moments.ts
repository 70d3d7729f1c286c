import { scope, Tensor, type Device } from "../../torch";
import { ValueError } from "../../config/python-errors";
import { toLogscale } from "../../core/functional/logscale";

/** Moments of one channel count, so far. */
interface State {
  count: number;
  mean: Float64Array;
  squares: Float64Array;
  min: Float64Array;
  max: Float64Array;
}

/** What {@link RunningMoments.dump} gives: lists with one number a channel. */
export interface Moments {
  mean: number[];
  std: number[];
  var: number[];
  min: number[];
  max: number[];
  count: number;
}

/**
 * Mean, variance, minimum and maximum per channel of data that comes in parts, in float64.
 *
 * Parts are merged by the parallel algorithm of Chan, Golub and LeVeque (1979).
 */
export class RunningMoments {
  #state: State | null = null;

  /** @param logScale take the moments of `sign(x) · log(1 + |x|)` */
  constructor(readonly logScale = false) {}

  /**
   * Adds a tensor; `dim` is the dimension of the channels. A 1-d tensor has one channel.
   *
   * @throws TypeError for anything else than a tensor, ValueError for a 0-d one or another number of channels than before
   */
  pushTensor(x: Tensor, { dim = 1, logScale = this.logScale }: { dim?: number; logScale?: boolean } = {}): void {
    if (!(x instanceof Tensor)) throw new TypeError(`RunningMoments: expected a tensor, received ${typeof x}`);
    if (x.ndim === 0)
      throw new ValueError("RunningMoments: expected a tensor with at least one dimension, received a 0-d one");
    if (x.ndim === 1 && dim !== 1)
      throw new ValueError(`RunningMoments: a 1-d tensor has its values along dim 1, received dim ${dim}`);
    const part = scope(() => {
      const wide = x
        .detach()
        .to("cpu" satisfies Device)
        .to("float64");
      const scaled = logScale ? toLogscale(wide) : wide;
      const columns = scaled.ndim === 1 ? scaled.unsqueeze(1) : scaled; // (N, 1)
      const rows = columns.transpose(0, columns.ndim === 1 ? 0 : dim).flatten(1); // (C, n)
      const mean = rows.mean([1]); // (C,)
      const squares = rows.sub(mean.unsqueeze(1)).square().sum([1]); // (C,)
      const numbers = (t: Tensor): Float64Array => Float64Array.from(t.contiguous().dataSync() as Float64Array);
      return {
        count: rows.size(1),
        mean: numbers(mean),
        squares: numbers(squares),
        min: numbers(rows.amin([1])),
        max: numbers(rows.amax([1])),
      };
    });
    this.#state = this.#state === null ? part : merge(this.#state, part);
  }

  /** Adds one number. */
  pushScalar(x: number): void {
    if (typeof x !== "number") throw new TypeError(`RunningMoments: expected a number, received ${typeof x}`);
    const value = Float64Array.of(this.logScale ? Math.sign(x) * Math.log1p(Math.abs(x)) : x);
    const part = { count: 1, mean: value, squares: new Float64Array(1), min: value, max: value };
    this.#state = this.#state === null ? part : merge(this.#state, part);
  }

  /** Values per channel so far. */
  get count(): number {
    return this.#state?.count ?? 0;
  }

  get isEmpty(): boolean {
    return this.#state === null;
  }

  get mean(): number[] {
    return [...this.#filled(1).mean];
  }

  /** Unbiased. */
  get var(): number[] {
    const { squares, count } = this.#filled(2);
    return [...squares].map((value) => value / (count - 1));
  }

  get std(): number[] {
    return this.var.map(Math.sqrt);
  }

  get min(): number[] {
    return [...this.#filled(1).min];
  }

  get max(): number[] {
    return [...this.#filled(1).max];
  }

  dump(): Moments {
    const { mean, std, var: variance, min, max, count } = this;
    return { mean, std, var: variance, min, max, count };
  }

  reset(): void {
    this.#state = null;
  }

  #filled(needed: number): State {
    if (this.#state === null || this.#state.count < needed)
      throw new ValueError(
        `RunningMoments: expected at least ${needed} value${needed > 1 ? "s" : ""}, has ${this.count}`,
      );
    return this.#state;
  }
}

function merge(a: State, b: State): State {
  if (a.mean.length !== b.mean.length)
    throw new ValueError(`RunningMoments: expected ${a.mean.length} channels as before, received ${b.mean.length}`);
  const count = a.count + b.count;
  const delta = b.mean.map((value, c) => value - a.mean[c]!);
  return {
    count,
    mean: a.mean.map((value, c) => value + (delta[c]! * b.count) / count),
    squares: a.squares.map((value, c) => value + b.squares[c]! + (delta[c]! ** 2 * a.count * b.count) / count),
    min: a.min.map((value, c) => Math.min(value, b.min[c]!)),
    max: a.max.map((value, c) => Math.max(value, b.max[c]!)),
  };
}
