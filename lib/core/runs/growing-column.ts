/** Numbers that come one after the other, in memory that doubles. */
export class GrowingColumn<A extends Float64Array | Uint32Array> {
  #numbers: A;
  #length = 0;

  constructor(private readonly allocate: (length: number) => A) {
    this.#numbers = allocate(64);
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#numbers.byteLength;
  }

  push(value: number): void {
    if (this.#length === this.#numbers.length) {
      const wider = this.allocate(2 * this.#length);
      wider.set(this.#numbers);
      this.#numbers = wider;
    }
    this.#numbers[this.#length++] = value;
  }

  at(index: number): number {
    return this.#numbers[index]!;
  }

  /** The numbers so far; valid until the next {@link push}. */
  view(): A {
    return this.#numbers.subarray(0, this.#length) as A;
  }
}

export const doubles = (length: number): Float64Array<ArrayBuffer> => new Float64Array(length);
export const counts = (length: number): Uint32Array<ArrayBuffer> => new Uint32Array(length);
