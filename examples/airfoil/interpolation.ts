/** Nearest neighbours and interpolation between scattered points in the plane, for the baselines and the pictures. */

/** A k-d tree over points stored as x0, y0, x1, y1, … */
export class KdTree {
  readonly #order: Uint32Array;
  #indices = new Uint32Array(3);
  #squared = new Float64Array(3);
  #found = 0;

  constructor(readonly points: ArrayLike<number>) {
    this.#order = Uint32Array.from({ length: points.length / 2 }, (_, index) => index);
    this.#build(0, this.#order.length, 0);
  }

  /** Sorts a range so that its middle splits it along one axis, and goes on with both halves. */
  #build(start: number, end: number, axis: 0 | 1): void {
    if (end - start <= 1) return;
    const { points } = this;
    this.#order.subarray(start, end).sort((a, b) => points[2 * a + axis]! - points[2 * b + axis]!);
    const middle = (start + end) >> 1;
    const next = axis === 0 ? 1 : 0;
    this.#build(start, middle, next);
    this.#build(middle + 1, end, next);
  }

  /** The k nearest points of (x, y), nearest first, with their squared distances. */
  nearest(x: number, y: number, k: number): { indices: number[]; squared: number[] } {
    this.#search(x, y, k);
    return {
      indices: [...this.#indices.subarray(0, this.#found)],
      squared: [...this.#squared.subarray(0, this.#found)],
    };
  }

  /** Values (several channels a point) at (x, y): mean of the three nearest points, weighted by inverse squared distance. */
  interpolate(values: ArrayLike<number>, channels: number, x: number, y: number): number[] {
    this.#search(x, y, 3);
    const result = new Array<number>(channels).fill(0);
    let total = 0;
    for (let place = 0; place < this.#found; place++) {
      const weight = 1 / (this.#squared[place]! + 1e-12);
      total += weight;
      const start = channels * this.#indices[place]!;
      for (let c = 0; c < channels; c++) result[c] = result[c]! + weight * values[start + c]!;
    }
    for (let c = 0; c < channels; c++) result[c] = result[c]! / total;
    return result;
  }

  /** Fills the list of the k nearest points. It belongs to the tree, so that a search makes no garbage: there are millions. */
  #search(x: number, y: number, k: number): void {
    if (this.#indices.length < k) {
      this.#indices = new Uint32Array(k);
      this.#squared = new Float64Array(k);
    }
    this.#found = 0;
    this.#visit(0, this.#order.length, 0, x, y, k);
  }

  #visit(start: number, end: number, axis: 0 | 1, x: number, y: number, k: number): void {
    if (start >= end) return;
    const middle = (start + end) >> 1;
    const index = this.#order[middle]!;
    const dx = x - this.points[2 * index]!;
    const dy = y - this.points[2 * index + 1]!;
    this.#offer(index, dx * dx + dy * dy, k);
    const offset = axis === 0 ? dx : dy;
    const next = axis === 0 ? 1 : 0;
    // the half that holds (x, y) first; the other only if it can hold something nearer
    if (offset < 0) this.#visit(start, middle, next, x, y, k);
    else this.#visit(middle + 1, end, next, x, y, k);
    if (this.#found === k && offset * offset >= this.#squared[k - 1]!) return;
    if (offset < 0) this.#visit(middle + 1, end, next, x, y, k);
    else this.#visit(start, middle, next, x, y, k);
  }

  /** Puts a point into the list of the nearest if it belongs there. */
  #offer(index: number, distance: number, k: number): void {
    let place = this.#found;
    if (place === k) {
      if (distance >= this.#squared[k - 1]!) return;
      place--;
    } else this.#found++;
    for (; place > 0 && this.#squared[place - 1]! > distance; place--) {
      this.#squared[place] = this.#squared[place - 1]!;
      this.#indices[place] = this.#indices[place - 1]!;
    }
    this.#squared[place] = distance;
    this.#indices[place] = index;
  }
}

/** Values along a polyline x[0], x[1], … (monotone) at another x: linear, constant beyond the ends. */
export function interpolateLine(xs: ArrayLike<number>, ys: ArrayLike<number>, x: number): number {
  const rising = xs[xs.length - 1]! > xs[0]!;
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle]! < x === rising) low = middle;
    else high = middle;
  }
  const t = Math.min(1, Math.max(0, (x - xs[low]!) / (xs[high]! - xs[low]!)));
  return ys[low]! + t * (ys[high]! - ys[low]!);
}
