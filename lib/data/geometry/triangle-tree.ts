import { closestPoint, type ClosestPoint } from "./closest-point";

/** Triangles of a leaf. */
const LEAF_SIZE = 4;

/**
 * A tree of boxes around triangles, split at the median of their centres along the longest axis: finds the triangle nearest
 * to a point.
 */
export class TriangleTree {
  /** Corners (T, 9), in the order of the leaves. */
  readonly #corners: Float64Array;
  /** The given number of the triangle at each place. */
  readonly #order: Int32Array;
  /** (6) for each node: lower and upper corner of its box. */
  readonly #boxes: Float64Array;
  /** For each node: its second child (the first is the next node), or −1 − the first place of a leaf. */
  readonly #links: Int32Array;
  /** Triangles of a leaf. */
  readonly #counts: Int32Array;
  readonly #stack = new Int32Array(128);
  readonly #candidate: ClosestPoint = { x: 0, y: 0, z: 0, squared: 0, feature: 0 };
  #nodes = 0;

  /** @param corners (T, 9) coordinates of the corners of at least one triangle; triangles have areas */
  constructor(corners: Float64Array) {
    const count = corners.length / 9;
    const centers = new Float64Array(3 * count);
    for (let t = 0; t < count; t++)
      for (let d = 0; d < 3; d++)
        centers[3 * t + d] = (corners[9 * t + d]! + corners[9 * t + 3 + d]! + corners[9 * t + 6 + d]!) / 3;
    this.#order = Int32Array.from({ length: count }, (_, t) => t);
    const capacity = 2 * count;
    this.#boxes = new Float64Array(6 * capacity);
    this.#links = new Int32Array(capacity);
    this.#counts = new Int32Array(capacity);
    this.#corners = corners;
    this.#build(0, count, centers);
    this.#corners = new Float64Array(corners.length);
    this.#order.forEach((t, place) => this.#corners.set(corners.subarray(9 * t, 9 * t + 9), 9 * place));
  }

  #build(start: number, end: number, centers: Float64Array): number {
    const node = this.#nodes++;
    this.#setBox(node, start, end);
    if (end - start <= LEAF_SIZE) {
      this.#links[node] = -1 - start;
      this.#counts[node] = end - start;
      return node;
    }
    const middle = (start + end) >> 1;
    selectNth(this.#order, centers, longestAxis(this.#order, centers, start, end), start, end - 1, middle);
    this.#build(start, middle, centers);
    this.#links[node] = this.#build(middle, end, centers);
    return node;
  }

  #setBox(node: number, start: number, end: number): void {
    const boxes = this.#boxes;
    for (let d = 0; d < 3; d++) {
      let [low, high] = [Infinity, -Infinity];
      for (let i = start; i < end; i++) {
        const at = 9 * this.#order[i]! + d;
        for (let corner = 0; corner < 9; corner += 3) {
          const x = this.#corners[at + corner]!;
          if (x < low) low = x;
          if (x > high) high = x;
        }
      }
      boxes[6 * node + d] = low;
      boxes[6 * node + 3 + d] = high;
    }
  }

  /** The triangle nearest to a point; its nearest point is written to `result`. */
  nearest(x: number, y: number, z: number, result: ClosestPoint): number {
    const stack = this.#stack;
    const candidate = this.#candidate;
    let size = 0;
    let best = Infinity;
    let bestPlace = 0;
    stack[size++] = 0;
    while (size > 0) {
      const node = stack[--size]!;
      if (this.#squaredDistance(node, x, y, z) >= best) continue;
      const link = this.#links[node]!;
      if (link < 0) {
        const first = -1 - link;
        const end = first + this.#counts[node]!;
        for (let place = first; place < end; place++) {
          closestPoint(x, y, z, this.#corners, 9 * place, candidate);
          if (candidate.squared >= best) continue;
          best = candidate.squared;
          bestPlace = place;
          result.x = candidate.x;
          result.y = candidate.y;
          result.z = candidate.z;
          result.squared = best;
          result.feature = candidate.feature;
        }
        continue;
      }
      // the nearer child comes off the stack first
      const near = this.#squaredDistance(node + 1, x, y, z) <= this.#squaredDistance(link, x, y, z);
      stack[size++] = near ? link : node + 1;
      stack[size++] = near ? node + 1 : link;
    }
    return this.#order[bestPlace]!;
  }

  #squaredDistance(node: number, x: number, y: number, z: number): number {
    const boxes = this.#boxes;
    const at = 6 * node;
    const dx = Math.max(boxes[at]! - x, 0, x - boxes[at + 3]!);
    const dy = Math.max(boxes[at + 1]! - y, 0, y - boxes[at + 4]!);
    const dz = Math.max(boxes[at + 2]! - z, 0, z - boxes[at + 5]!);
    return dx * dx + dy * dy + dz * dz;
  }
}

function longestAxis(order: Int32Array, centers: Float64Array, start: number, end: number): number {
  let [axis, longest] = [0, -1];
  for (let d = 0; d < 3; d++) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = start; i < end; i++) {
      const x = centers[3 * order[i]! + d]!;
      if (x < low) low = x;
      if (x > high) high = x;
    }
    if (high - low > longest) [axis, longest] = [d, high - low];
  }
  return axis;
}

/** Puts the element that sorting would put at `nth` there, smaller ones before it (Hoare's quickselect). */
function selectNth(
  order: Int32Array,
  centers: Float64Array,
  axis: number,
  first: number,
  last: number,
  nth: number,
): void {
  const key = (i: number): number => centers[3 * order[i]! + axis]!;
  let [low, high] = [first, last];
  while (low < high) {
    const pivot = key((low + high) >> 1);
    let [i, j] = [low, high];
    while (i <= j) {
      while (key(i) < pivot) i++;
      while (key(j) > pivot) j--;
      if (i > j) break;
      const swapped = order[i]!;
      order[i++] = order[j]!;
      order[j--] = swapped;
    }
    if (nth <= j) high = j;
    else if (nth >= i) low = i;
    else return;
  }
}
