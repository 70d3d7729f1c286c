/** The arrays of VTK XML files: a `DataArray` element and the numbers that it stands for. */
import {
  bytesOf,
  bytesPerElement,
  createArray,
  fromFileOrder,
  narrowInto,
  rowArray,
  toFloats,
  toInt32,
} from "../arrays";
import type { NdArray, NumericType, TypedArray } from "../arrays";
import type { Points } from "../mesh";
import { Scanner, show } from "../scanner";
import { memoryTarget, readEncoded, type Packing, type Target } from "./encoded-data";
import type { Range, XmlDocument, XmlElement } from "./xml-document";

/** VTK's names of the types. */
export const TYPES: ReadonlyMap<string, NumericType> = new Map([
  ["Int8", "int8"],
  ["UInt8", "uint8"],
  ["Int16", "int16"],
  ["UInt16", "uint16"],
  ["Int32", "int32"],
  ["UInt32", "uint32"],
  ["Int64", "int64"],
  ["UInt64", "uint64"],
  ["Float32", "float32"],
  ["Float64", "float64"],
]);

/** Reads the arrays of one file. */
export class DataArrayReader {
  readonly #packing: Packing;

  constructor(private readonly document: XmlDocument) {
    this.#packing = packingOf(document.root);
  }

  /** Whether the element holds texts. */
  isText(element: XmlElement): boolean {
    return element.attribute("type") === "String";
  }

  /**
   * Numbers with their components.
   *
   * @param rows how many there have to be; undefined takes what the element says, or holds.
   */
  read(element: XmlElement, rows: number | undefined): NdArray {
    const components = Math.max(1, element.count("NumberOfComponents", 1));
    const tuples =
      rows ?? (element.attribute("NumberOfTuples") === undefined ? undefined : element.count("NumberOfTuples"));
    const values = this.values(element, tuples === undefined ? undefined : tuples * components);
    if (values.length % components !== 0)
      throw element.error(`expected rows of ${components} values in ${titleOf(element)}, got ${values.length} values`);
    return rowArray(values, components);
  }

  /** Integers that are indices or offsets. */
  indices(element: XmlElement, length?: number): Int32Array {
    const format = element.attribute("format") ?? "ascii";
    if (element.attribute("type") === "Int64" && format !== "ascii") return this.#narrowed(element, length);
    const values = toInt32(this.values(element, length));
    if (values === undefined) throw element.error(`expected integers below 2^31 in ${titleOf(element)}, got others`);
    return values;
  }

  /** Coordinates (N, 3). */
  points(element: XmlElement, count: number): Points {
    const components = element.count("NumberOfComponents", 3);
    if (components !== 3) throw element.error(`expected points of 3 coordinates, got ${components}`);
    return toFloats(this.values(element, 3 * count));
  }

  /** Texts; each ends with a zero byte in the file. */
  texts(element: XmlElement): string[] {
    const isAscii = (element.attribute("format") ?? "ascii") === "ascii";
    // VTK writes the bytes of a text as signed or unsigned numbers
    const bytes = isAscii ? this.#ascii(element, "int16", undefined) : this.#read(element, "uint8", undefined);
    const text = Buffer.from(bytes as Uint8Array).toString();
    const texts = text.split("\0");
    if (texts.at(-1) === "") texts.pop();
    return texts;
  }

  /** The numbers alone. */
  values(element: XmlElement, length: number | undefined): TypedArray {
    const name = element.require("type");
    if (name === "Bit") return this.#bits(element, length);
    const type = TYPES.get(name);
    if (type === undefined)
      throw element.error(
        `expected one of the types ${[...TYPES.keys()].join(", ")} in ${titleOf(element)}, got ${show(name)}`,
      );
    return this.#read(element, type, length);
  }

  /** 64-bit integers as 32-bit ones, piece by piece: files are full of them, and few need so many bits. */
  #narrowed(element: XmlElement, length: number | undefined): Int32Array {
    let values = new Int32Array(0);
    const scratch = new BigInt64Array(2 ** 17);
    this.#decode(element, (bytes) => {
      this.#checkSize(element, "int64", bytes, length);
      values = new Int32Array(bytes / 8);
      return {
        window: (_, size) =>
          bytesOf(size <= scratch.byteLength ? scratch : new BigInt64Array(size / 8)).subarray(0, size),
        commit: (piece, offset) => {
          const words = new BigInt64Array(piece.buffer, piece.byteOffset, piece.length / 8);
          if (!narrowInto(fromFileOrder(words, this.#packing.littleEndian), values, offset / 8))
            throw element.error(`expected integers below 2^31 in ${titleOf(element)}, got others`);
        },
      };
    });
    return values;
  }

  /** Makes sure that so many bytes are the values that there should be. */
  #checkSize(element: XmlElement, type: NumericType, bytes: number, length: number | undefined): void {
    const size = bytesPerElement(type);
    if (length !== undefined && bytes !== length * size)
      throw element.error(
        `expected ${length} values (${length * size} bytes) in ${titleOf(element)}, got ${bytes} bytes`,
      );
    if (bytes % size !== 0)
      throw element.error(`expected whole ${type} values in ${titleOf(element)}, got ${bytes} bytes`);
  }

  #read(element: XmlElement, type: NumericType, length: number | undefined): TypedArray {
    if (length !== undefined && length < 0)
      throw element.error(`expected a number of values for ${titleOf(element)}, got ${length}`);
    const format = element.attribute("format") ?? "ascii";
    if (format === "ascii") return this.#ascii(element, type, length);
    const values = this.#binary(element, (bytes) => {
      this.#checkSize(element, type, bytes, length);
      return createArray(type, bytes / bytesPerElement(type));
    });
    return fromFileOrder(values, this.#packing.littleEndian);
  }

  #ascii(element: XmlElement, type: NumericType, length: number | undefined): TypedArray {
    const { start, end } = element.texts[0] ?? { start: 0, end: 0 };
    const scanner = new Scanner(element.source, start, end);
    if (length !== undefined) scanner.require(length, 2, `${length} numbers in ${titleOf(element)}`);
    const values = createArray(type, length ?? countWords(new Scanner(element.source, start, end)));
    scanner.numbers(values, `${values.length} numbers in ${titleOf(element)}`);
    scanner.skipSpace();
    if (!scanner.isAtEnd) throw scanner.error(`expected ${values.length} values in ${titleOf(element)}, got more`);
    return values;
  }

  /** Bits, packed to bytes in binary form, as 0 and 1. */
  #bits(element: XmlElement, length: number | undefined): Uint8Array {
    if ((element.attribute("format") ?? "ascii") === "ascii")
      return this.#ascii(element, "uint8", length) as Uint8Array;
    const packed = this.#binary(element, (bytes) => {
      if (length !== undefined && bytes !== Math.ceil(length / 8))
        throw element.error(`expected ${length} bits in ${titleOf(element)}, got ${bytes} bytes`);
      return new Uint8Array(bytes);
    });
    return unpackBits(bytesOf(packed), length ?? 8 * packed.length);
  }

  #binary(element: XmlElement, create: (bytes: number) => TypedArray): TypedArray {
    let values: TypedArray = new Uint8Array(0);
    this.#decode(element, (bytes) => memoryTarget(bytesOf((values = create(bytes)))));
    return values;
  }

  #decode(element: XmlElement, target: (bytes: number) => Target): void {
    const { start, end, encoding } = this.#place(element);
    readEncoded(element.source, this.#packing, encoding, start, end, target);
  }

  #place(element: XmlElement): Range & { encoding: "raw" | "base64" } {
    const format = element.attribute("format");
    if (format === "binary") {
      const range = element.texts[0];
      if (range === undefined) throw element.error(`expected base64 in ${titleOf(element)}, got nothing`);
      return { ...range, encoding: "base64" };
    }
    if (format !== "appended")
      throw element.error(
        `expected format ascii, binary or appended in ${titleOf(element)}, got ${show(format ?? "")}`,
      );
    const { appended } = this.document;
    if (appended === undefined)
      throw element.error(`expected appended data for ${titleOf(element)}, got none in the file`);
    const { encoding } = appended;
    if (encoding !== "raw" && encoding !== "base64")
      throw element.error(`expected appended data in raw or base64, got ${show(encoding)}`);
    const offset = element.count("offset");
    return { start: appended.start + offset, end: element.source.size, encoding };
  }
}

/** How errors call an array. */
export function titleOf(element: XmlElement): string {
  const name = element.attribute("Name") ?? element.attribute("name");
  return name === undefined ? element.name : `${element.name} "${name}"`;
}

/** Bits from bytes, the highest first. */
export function unpackBits(packed: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (packed[i >> 3]! >> (7 - (i & 7))) & 1);
}

function packingOf(root: XmlElement): Packing {
  const order = root.attribute("byte_order") ?? "LittleEndian";
  if (order !== "LittleEndian" && order !== "BigEndian")
    throw root.error(`expected byte_order LittleEndian or BigEndian, got ${show(order)}`);
  const header = root.attribute("header_type") ?? "UInt32";
  if (header !== "UInt32" && header !== "UInt64")
    throw root.error(`expected header_type UInt32 or UInt64, got ${show(header)}`);
  const compressor = root.attribute("compressor") ?? "";
  const known = { "": undefined, vtkZLibDataCompressor: "zlib", vtkLZ4DataCompressor: "lz4" } as const;
  if (!Object.hasOwn(known, compressor))
    throw root.error(`expected vtkZLibDataCompressor, vtkLZ4DataCompressor or no compressor, got ${show(compressor)}`);
  return {
    littleEndian: order === "LittleEndian",
    wordSize: header === "UInt32" ? 4 : 8,
    compressor: known[compressor as keyof typeof known],
  };
}

function countWords(scanner: Scanner): number {
  let count = 0;
  while (scanner.word() !== "") count++;
  return count;
}
