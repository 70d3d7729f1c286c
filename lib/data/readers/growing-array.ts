/** Typed arrays that grow, for files that do not say beforehand how much they hold. */
type Growable = Int32Array | Uint8Array | Float64Array | Float32Array;

export class GrowingArray<Values extends Growable> {
  #values: Values;
  length = 0;

  constructor(private readonly type: new (length: number) => Values) {
    this.#values = new type(64);
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new this.type(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  at(index: number): number | undefined {
    return index < this.length ? this.#values[index] : undefined;
  }

  /** What was pushed, in memory of its own. */
  finish(): Values {
    return this.#values.slice(0, this.length) as Values;
  }
}
