/** Nearest neighbours and interpolation between scattered points in the plane, for the baselines and the pictures. */

/** A k-d tree over points stored as x0, y0, x1, y1, … */
export class KdTree {
  readonly #order: Uint32Array;

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
    const indices: number[] = [];
    const squared: number[] = [];
    const { points } = this;
    const order = this.#order;
    const visit = (start: number, end: number, axis: 0 | 1): void => {
      if (start >= end) return;
      const middle = (start + end) >> 1;
      const index = order[middle]!;
      const dx = x - points[2 * index]!;
      const dy = y - points[2 * index + 1]!;
      const distance = dx * dx + dy * dy;
      if (squared.length < k || distance < squared[squared.length - 1]!) {
        let place = squared.length;
        while (place > 0 && squared[place - 1]! > distance) place--;
        squared.splice(place, 0, distance);
        indices.splice(place, 0, index);
        if (squared.length > k) {
          squared.pop();
          indices.pop();
        }
      }
      const offset = axis === 0 ? dx : dy;
      const next = axis === 0 ? 1 : 0;
      const [near, far] =
        offset < 0
          ? [
              [start, middle],
              [middle + 1, end],
            ]
          : [
              [middle + 1, end],
              [start, middle],
            ];
      visit(near![0]!, near![1]!, next);
      if (squared.length < k || offset * offset < squared[squared.length - 1]!) visit(far![0]!, far![1]!, next);
    };
    visit(0, order.length, 0);
    return { indices, squared };
  }

  /** Values (several channels a point) at (x, y): mean of the three nearest points, weighted by inverse squared distance. */
  interpolate(values: ArrayLike<number>, channels: number, x: number, y: number): number[] {
    const { indices, squared } = this.nearest(x, y, 3);
    const result = new Array<number>(channels).fill(0);
    let total = 0;
    indices.forEach((index, place) => {
      const weight = 1 / (squared[place]! + 1e-12);
      total += weight;
      for (let c = 0; c < channels; c++) result[c] = result[c]! + weight * values[channels * index + c]!;
    });
    return result.map((value) => value / total);
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
