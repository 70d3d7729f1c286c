/**
 * Finds points with equal coordinates, in the order in which they first came: a hash table of their bits with open
 * addressing. −0 and 0 are equal.
 */
export class PointMerger {
  #table = new Int32Array(1024).fill(-1);
  #points = new Float32Array(3 * 512);
  #words = new Int32Array(this.#points.buffer);
  readonly #scratch = new Float32Array(3);
  readonly #bits = new Int32Array(this.#scratch.buffer);
  length = 0;

  /** The number of the point, which is new when there was none with these coordinates. */
  add(x: number, y: number, z: number): number {
    const [scratch, bits] = [this.#scratch, this.#bits];
    scratch[0] = x + 0;
    scratch[1] = y + 0;
    scratch[2] = z + 0;
    const [a, b, c] = [bits[0]!, bits[1]!, bits[2]!];
    const mask = this.#table.length - 1;
    let slot = hash(a, b, c) & mask;
    for (let found = this.#table[slot]!; found >= 0; found = this.#table[(slot = (slot + 1) & mask)]!) {
      if (this.#words[3 * found] === a && this.#words[3 * found + 1] === b && this.#words[3 * found + 2] === c)
        return found;
    }
    if (3 * this.length === this.#points.length) this.#grow();
    this.#points.set(scratch, 3 * this.length);
    this.#table[slot] = this.length++;
    if (2 * this.length > this.#table.length) this.#rehash();
    return this.length - 1;
  }

  /** All points (N, 3). */
  finish(): Float32Array {
    return this.#points.slice(0, 3 * this.length);
  }

  #grow(): void {
    const larger = new Float32Array(2 * this.#points.length);
    larger.set(this.#points);
    this.#points = larger;
    this.#words = new Int32Array(larger.buffer);
  }

  #rehash(): void {
    const table = new Int32Array(2 * this.#table.length).fill(-1);
    const mask = table.length - 1;
    for (let point = 0; point < this.length; point++) {
      const words = this.#words;
      let slot = hash(words[3 * point]!, words[3 * point + 1]!, words[3 * point + 2]!) & mask;
      while (table[slot]! >= 0) slot = (slot + 1) & mask;
      table[slot] = point;
    }
    this.#table = table;
  }
}

/** Mixes three words (the finalizer of MurmurHash3). */
function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ Math.imul(c, 0xc2b2ae3d);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
