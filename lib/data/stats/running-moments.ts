import { scope, Tensor, type Device } from "../../torch";
import { ValueError } from "../../config/python-errors";
import { toExponentialPython } from "../../config/python-format";
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

/** Values that are converted to float64 at once, so that a large field does not take several times its memory. */
const BLOCK = 2 ** 21;

/**
 * Mean, variance, minimum and maximum per channel of data that comes in parts, in float64.
 *
 * Parts are merged by the parallel algorithm of Chan, Golub and LeVeque (1979), so that neither a large mean beside a small
 * deviation nor the order of the parts costs digits.
 */
export class RunningMoments {
  #state: State | null = null;

  /** @param logScale take the moments of `sign(x) · log(1 + |x|)` */
  constructor(readonly logScale = false) {}

  /** Moments that {@link dump} gave, to go on from there or to merge what several processes computed. */
  static from({ mean, var: variance, min, max, count }: Omit<Moments, "std">, logScale = false): RunningMoments {
    const lists = [mean, variance, min, max];
    if (!Number.isSafeInteger(count) || count < 1 || lists.some((list) => list.length !== mean.length))
      throw new ValueError("RunningMoments: expected a positive count and lists of equal length");
    const moments = new RunningMoments(logScale);
    moments.#state = {
      count,
      mean: Float64Array.from(mean),
      squares: Float64Array.from(variance, (value) => value * (count - 1)),
      min: Float64Array.from(min),
      max: Float64Array.from(max),
    };
    return moments;
  }

  /**
   * Adds a tensor; `dim` is the dimension of the channels. A 1-d tensor has one channel. One without values adds nothing.
   *
   * @throws TypeError for anything else than a tensor, ValueError for a 0-d one or another number of channels than before
   */
  pushTensor(x: Tensor, { dim = 1, logScale = this.logScale }: { dim?: number; logScale?: boolean } = {}): void {
    if (!(x instanceof Tensor)) throw new TypeError(`RunningMoments: expected a tensor, received ${typeof x}`);
    if (x.ndim === 0)
      throw new ValueError("RunningMoments: expected a tensor with at least one dimension, received a 0-d one");
    if (x.ndim === 1 && dim !== 1)
      throw new ValueError(`RunningMoments: a 1-d tensor has its values along dim 1, received dim ${dim}`);
    scope(() => {
      const columns = x.ndim === 1 ? x.unsqueeze(1) : x; // (N, 1)
      const rows = columns.detach().transpose(0, dim).flatten(1); // (C, n)
      if (this.#state !== null) checkChannels(this.#state, rows.size(0));
      const width = Math.max(1, Math.floor(BLOCK / Math.max(1, rows.size(0))));
      for (let start = 0; start < rows.size(1); start += width) {
        const block = rows.narrow(1, start, Math.min(width, rows.size(1) - start));
        this.#add(scope(() => momentsOf(block, logScale)));
      }
    });
  }

  /** Adds one number. */
  pushScalar(x: number): void {
    if (typeof x !== "number") throw new TypeError(`RunningMoments: expected a number, received ${typeof x}`);
    const value = Float64Array.of(this.logScale ? Math.sign(x) * Math.log1p(Math.abs(x)) : x);
    this.#add({ count: 1, mean: value, squares: new Float64Array(1), min: value, max: value });
  }

  /**
   * Adds what another one has seen, for example in another thread.
   *
   * @throws ValueError where only one of the two is on the log scale, or the channels differ
   */
  merge(other: RunningMoments): void {
    if (other.logScale !== this.logScale)
      throw new ValueError(
        "RunningMoments: expected moments of the same scale to merge, one of them is on the log scale",
      );
    if (other.#state !== null) this.#add(other.#state);
  }

  #add(part: State): void {
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

  /** Mean, Std, Var, Min, Max and Count, a line each: `(1.00000e+00, 2.00000e+00)`; the limits of a single channel are bare. */
  toString(): string {
    const { mean, std, var: variance, min, max, count } = this.dump();
    const digits = (x: number) => toExponentialPython(x, 5);
    const list = (values: readonly number[]) => `(${values.map(digits).join(", ")}${values.length === 1 ? "," : ""})`;
    const limit = (values: readonly number[]) => (values.length === 1 ? digits(values[0]!) : list(values));
    return [
      `Mean: ${list(mean)}`,
      `Std: ${list(std)}`,
      `Var: ${list(variance)}`,
      `Min: ${limit(min)}`,
      `Max: ${limit(max)}`,
      `Count: ${count}`,
    ].join("\n");
  }

  #filled(needed: number): State {
    if (this.#state === null || this.#state.count < needed)
      throw new ValueError(
        `RunningMoments: expected at least ${needed} value${needed > 1 ? "s" : ""}, has ${this.count}`,
      );
    return this.#state;
  }
}

/** Moments of the rows of `(C, n)`, n > 0. */
function momentsOf(rows: Tensor, logScale: boolean): State {
  const wide = rows.to("cpu" satisfies Device).to("float64");
  const scaled = logScale ? toLogscale(wide) : wide;
  const mean = scaled.mean([1]); // (C,)
  const squares = scaled.sub(mean.unsqueeze(1)).square().sum([1]); // (C,)
  const numbers = (t: Tensor): Float64Array => Float64Array.from(t.contiguous().dataSync() as Float64Array);
  return {
    count: rows.size(1),
    mean: numbers(mean),
    squares: numbers(squares),
    min: numbers(scaled.amin([1])),
    max: numbers(scaled.amax([1])),
  };
}

function checkChannels({ mean }: State, channels: number): void {
  if (mean.length !== channels)
    throw new ValueError(`RunningMoments: expected ${mean.length} channels as before, received ${channels}`);
}

function merge(a: State, b: State): State {
  checkChannels(a, b.mean.length);
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
