/** The numbers and texts of legacy VTK files, in text or in binary form. */
import { bytesOf, bytesPerElement, createArray, fromFileOrder } from "../arrays";
import type { NumericType, TypedArray } from "../arrays";
import type { ByteSource } from "../byte-source";
import { Scanner, show } from "../scanner";
import { unpackBits } from "./data-array";

const TYPES: ReadonlyMap<string, NumericType> = new Map([
  ["unsigned_char", "uint8"],
  ["char", "int8"],
  ["signed_char", "int8"],
  ["unsigned_short", "uint16"],
  ["short", "int16"],
  ["unsigned_int", "uint32"],
  ["int", "int32"],
  ["unsigned_long", "uint64"],
  ["long", "int64"],
  ["unsigned_long_long", "uint64"],
  ["long_long", "int64"],
  ["vtktypeint64", "int64"],
  ["vtktypeuint64", "uint64"],
  // VTK writes its ids with 32 bits in these files
  ["vtkidtype", "int32"],
  ["float", "float32"],
  ["double", "float64"],
]);

/** Reads arrays one after the other. */
export class LegacyValues {
  readonly scanner: Scanner;
  /** As the third line says. */
  isBinary = false;

  constructor(private readonly source: ByteSource) {
    this.scanner = new Scanner(source);
  }

  /** An error at the next byte or another one; of a text it tells the line. */
  error(problem: string, offset = this.scanner.position): Error {
    return this.isBinary ? this.source.error(problem, offset) : this.source.errorInText(problem, offset);
  }

  /** The next line with something in it. */
  nextLine(): string {
    for (;;) {
      const line = this.scanner.line();
      if (line === undefined) throw this.error("expected another line, got the end of the file");
      if (line.trim() !== "") return line.trim();
    }
  }

  /** A word as a count. */
  count(word: string | undefined, at: number): number {
    const value = Number(word);
    if (word === undefined || !/^\d+$/.test(word) || !Number.isSafeInteger(value))
      throw this.error(`expected a count, got ${show(word ?? "")}`, at);
    return value;
  }

  /** Numbers of a type of VTK's. */
  array(typeName: string | undefined, length: number, what: string, at: number): TypedArray {
    const type = this.#type(typeName, what, at);
    if (type === "bit") return this.#bits(length, what);
    if (!this.isBinary) {
      this.scanner.require(length, 2, what);
      return this.scanner.numbers(createArray(type, length), `${length} numbers of ${what}`);
    }
    this.source.require(this.scanner.position, length * bytesPerElement(type), what);
    const values = createArray(type, length);
    this.scanner.bytes(bytesOf(values), what);
    return fromFileOrder(values, false);
  }

  /** Leaves numbers out: those of a binary file are not even read. */
  skip(typeName: string | undefined, length: number, what: string, at: number): void {
    const type = this.#type(typeName, what, at);
    if (!this.isBinary) return void this.array(typeName, length, what, at);
    const bytes = type === "bit" ? Math.ceil(length / 8) : length * bytesPerElement(type);
    this.source.require(this.scanner.position, bytes, what);
    this.scanner.skip(bytes);
  }

  #type(typeName: string | undefined, what: string, at: number): NumericType | "bit" {
    const name = (typeName ?? "").toLowerCase();
    const type = name === "bit" ? name : TYPES.get(name);
    if (type !== undefined) return type;
    const known = [...TYPES.keys()].join(", ");
    throw this.error(`expected a type of numbers (${known}) for ${what}, got ${show(name)}`, at);
  }

  #bits(length: number, what: string): Uint8Array {
    this.scanner.require(length, this.isBinary ? 1 / 8 : 2, what);
    if (!this.isBinary) return this.scanner.numbers(new Uint8Array(length), what);
    const packed = new Uint8Array(Math.ceil(length / 8));
    this.scanner.bytes(packed, what);
    return unpackBits(packed, length);
  }

  /** In binary files the two highest bits of a length tell how many bytes it has. */
  texts(count: number, at: number): string[] {
    this.scanner.require(count, 1, "texts");
    return Array.from({ length: count }, () => {
      if (!this.isBinary) return decode(this.scanner.line() ?? "");
      const first = this.scanner.take();
      let length = first & 63;
      for (let more = [7, 3, 1, 0][first >> 6]!; more > 0; more--) length = 256 * length + this.scanner.take();
      this.source.require(this.scanner.position, length < 0 ? Infinity : length, "text");
      const bytes = new Uint8Array(length);
      this.scanner.bytes(bytes, `text of the array at byte ${at}`);
      return decode(Buffer.from(bytes).toString());
    });
  }
}

/** Names and texts have their special characters as %20. */
export function decode(text: string): string {
  if (!text.includes("%")) return text;
  const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  return Buffer.from(bytes, "latin1").toString();
}
