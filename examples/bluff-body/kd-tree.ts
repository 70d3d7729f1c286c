/** A k-d tree over points of any dimension, stored one after the other. */
export class KdTree {
  readonly #order: Uint32Array;

  constructor(
    private readonly points: Float32Array,
    private readonly dimension: number,
  ) {
    this.#order = Uint32Array.from({ length: points.length / dimension }, (_, index) => index);
    this.#build(0, this.#order.length, 0);
  }

  /** Sorts a range so that its middle splits it along one axis, and goes on with both halves. */
  #build(start: number, end: number, axis: number): void {
    if (end - start <= 1) return;
    const { points, dimension } = this;
    this.#order.subarray(start, end).sort((a, b) => points[dimension * a + axis]! - points[dimension * b + axis]!);
    const middle = (start + end) >> 1;
    const next = (axis + 1) % dimension;
    this.#build(start, middle, next);
    this.#build(middle + 1, end, next);
  }

  /** Numbers and squared distances of the k nearest points, nearest first. */
  nearest(place: ArrayLike<number>, k: number): { indices: number[]; squared: number[] } {
    const indices: number[] = [];
    const squared: number[] = [];
    const visit = (start: number, end: number, axis: number): void => {
      if (start >= end) return;
      const middle = (start + end) >> 1;
      const point = this.#order[middle]!;
      let distance = 0;
      for (let d = 0; d < this.dimension; d++) distance += (this.points[this.dimension * point + d]! - place[d]!) ** 2;
      if (indices.length < k || distance < squared.at(-1)!) {
        let at = indices.length;
        while (at > 0 && squared[at - 1]! > distance) at--;
        indices.splice(at, 0, point);
        squared.splice(at, 0, distance);
        if (indices.length > k) {
          indices.pop();
          squared.pop();
        }
      }
      const offset = place[axis]! - this.points[this.dimension * point + axis]!;
      const next = (axis + 1) % this.dimension;
      if (offset < 0) visit(start, middle, next);
      else visit(middle + 1, end, next);
      if (indices.length >= k && offset ** 2 >= squared.at(-1)!) return;
      if (offset < 0) visit(middle + 1, end, next);
      else visit(start, middle, next);
    };
    visit(0, this.#order.length, 0);
    return { indices, squared };
  }

  /** A value at a place: mean of the three nearest points, weighted by inverse squared distance. */
  interpolate(values: ArrayLike<number>, place: ArrayLike<number>): number {
    const { indices, squared } = this.nearest(place, 3);
    let sum = 0;
    let total = 0;
    indices.forEach((index, i) => {
      const weight = 1 / (squared[i]! + 1e-12);
      sum += weight * values[index]!;
      total += weight;
    });
    return sum / total;
  }
}
