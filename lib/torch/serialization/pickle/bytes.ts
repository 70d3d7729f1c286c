/** The bytes that the pickle machine reads: of a record, or of a file in which nobody knows where the pickle ends. */
import { CheckpointError, damaged } from "../errors";
import { openBytes, type Source } from "../source";

/** Bytes that are fetched first. */
const FIRST = 2 ** 16;

export class PickleBytes {
  /** The bytes fetched so far; may be another buffer after {@link take}. */
  buffer: Buffer = Buffer.alloc(0);
  /** Where the next byte lies in `buffer`. */
  position = 0;

  /**
   * @param start where in the source the first pickle begins.
   * @param limit bytes that may be fetched.
   */
  constructor(
    private readonly source: Source,
    private readonly start = 0,
    private readonly limit = Infinity,
  ) {}

  static of(bytes: Uint8Array): PickleBytes {
    return new PickleBytes(openBytes(bytes));
  }

  /** Where in the source the next byte lies. */
  get offset(): number {
    return this.start + this.position;
  }

  /** Passes the next `count` bytes; returns where they begin in `buffer`. */
  take(count: number): number {
    const from = this.position;
    if (count > this.buffer.length - from) this.fetch(from + count);
    this.position = from + count;
    return from;
  }

  byte(): number {
    const at = this.take(1); // before the buffer is looked at: it may be replaced
    return this.buffer[at]!;
  }

  uint16(): number {
    const at = this.take(2);
    return this.buffer.readUInt16LE(at);
  }

  int32(): number {
    const at = this.take(4);
    return this.buffer.readInt32LE(at);
  }

  uint32(): number {
    const at = this.take(4);
    return this.buffer.readUInt32LE(at);
  }

  uint64(): number {
    const at = this.take(8);
    return Number(this.buffer.readBigUInt64LE(at));
  }

  /** Big-endian, as pickles have them. */
  float64(): number {
    const at = this.take(8);
    return this.buffer.readDoubleBE(at);
  }

  /** Length of the next line, without its end. */
  lineLength(maximum: number): number {
    for (let length = 0; length <= maximum; length++) {
      const at = this.position + length;
      if (at >= this.buffer.length) this.fetch(at + 1);
      if (this.buffer[at] === 0x0a) return length;
    }
    throw new CheckpointError(`expected names and values in text form of at most ${maximum} bytes, got a longer one`);
  }

  private fetch(length: number): void {
    const available = this.source.size - this.start;
    if (length > available)
      throw damaged(`a pickle that ends within a value (byte ${this.start + this.position} of ${this.source.size})`);
    if (length > this.limit)
      throw new CheckpointError(`expected a pickle of at most ${this.limit} bytes, got a longer one`);
    const wanted = Math.min(available, this.limit, Math.max(FIRST, length, 2 * this.buffer.length));
    const bytes = this.source.read(this.start, wanted);
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}
