import type { NumericType } from "./arrays";
import type { ByteSource } from "./byte-source";

const WINDOW = 2 ** 20;

/** Reads single numbers one after the other, through a window of 1 MiB. */
export class BinaryReader {
  #view: DataView = new DataView(new ArrayBuffer(0));
  #next = 0;
  #windowStart: number;

  constructor(
    private readonly source: ByteSource,
    position: number,
    private readonly littleEndian: boolean,
  ) {
    this.#windowStart = position;
  }

  /** Byte of the source that comes next. */
  get position(): number {
    return this.#windowStart + this.#next;
  }

  /** Has so many bytes in the window. @throws FileFormatError where the file ends before. */
  #require(count: number): void {
    if (this.#next + count <= this.#view.byteLength) return;
    const { position, source } = this;
    source.require(position, count);
    const bytes = source.bytes(position, Math.min(WINDOW, source.size - position));
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#windowStart = position;
    this.#next = 0;
  }

  /** The next number of a type of at most 64 bits; 64-bit integers as doubles. */
  number(type: NumericType): number {
    this.#require(8 <= this.source.size - this.position ? 8 : sizeOf[type]);
    const [view, at, little] = [this.#view, this.#next, this.littleEndian];
    this.#next += sizeOf[type];
    switch (type) {
      case "int8":
        return view.getInt8(at);
      case "uint8":
        return view.getUint8(at);
      case "int16":
        return view.getInt16(at, little);
      case "uint16":
        return view.getUint16(at, little);
      case "int32":
        return view.getInt32(at, little);
      case "uint32":
        return view.getUint32(at, little);
      case "float32":
        return view.getFloat32(at, little);
      case "float64":
        return view.getFloat64(at, little);
      case "int64":
        return Number(view.getBigInt64(at, little));
      case "uint64":
        return Number(view.getBigUint64(at, little));
    }
  }
}

const sizeOf: Readonly<Record<NumericType, number>> = {
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float32: 4,
  float64: 8,
};
