/**
 * Legacy VTK files, versions 1 to 5.1, ascii and binary (big-endian).
 * Format: https://docs.vtk.org/en/latest/vtk_file_formats/vtk_legacy_file_format.html
 */
import { bytesOf, bytesPerElement, createArray, fromFileOrder, rowArray, toFloats, toInt32 } from "../arrays";
import type { NumericType, TypedArray } from "../arrays";
import type { ByteSource } from "../byte-source";
import { CellType, lineType, polygonType, vertexType } from "../cell-types";
import { checkCells, joinCells } from "../cells";
import { FieldMap, Mesh, noCells, type Cells, type ImageGrid, type MeshParts, type Points } from "../mesh";
import { wants, type ReadOptions } from "../options";
import { Scanner, show } from "../scanner";
import { imagePoints, numberOfCells, rectilinearPoints, structuredCells } from "../structured";
import { unpackBits } from "./data-array";
import { unpackPolyhedra } from "./polyhedra";

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

/** Reads one dataset. */
export function readLegacyVtk(source: ByteSource, options: ReadOptions = {}): Mesh {
  return new LegacyReader(source, options).read();
}

type Section = (reader: LegacyReader, words: string[], line: number) => void;

/** What each keyword of the geometry and the fields begins. */
const SECTIONS: Readonly<Record<string, Section>> = {
  DIMENSIONS: (reader, words, at) => reader.dimensions(words, at),
  ORIGIN: (reader, words, at) => (reader.origin = reader.triple(words, at)),
  SPACING: (reader, words, at) => (reader.spacing = reader.triple(words, at)),
  ASPECT_RATIO: (reader, words, at) => (reader.spacing = reader.triple(words, at)),
  POINTS: (reader, words, at) => reader.points(words, at),
  X_COORDINATES: (reader, words, at) => reader.axis(0, words, at),
  Y_COORDINATES: (reader, words, at) => reader.axis(1, words, at),
  Z_COORDINATES: (reader, words, at) => reader.axis(2, words, at),
  VERTICES: (reader, words, at) => reader.lists("VERTICES", words, at),
  LINES: (reader, words, at) => reader.lists("LINES", words, at),
  POLYGONS: (reader, words, at) => reader.lists("POLYGONS", words, at),
  TRIANGLE_STRIPS: (reader, words, at) => reader.lists("TRIANGLE_STRIPS", words, at),
  CELLS: (reader, words, at) => reader.lists("CELLS", words, at),
  CELL_TYPES: (reader, words, at) => reader.cellTypes(words, at),
  POINT_DATA: (reader, words, at) => reader.begin("pointData", words, at),
  CELL_DATA: (reader, words, at) => reader.begin("cellData", words, at),
  FIELD: (reader, words, at) => reader.field(words, at),
  SCALARS: (reader, words, at) => reader.scalars(words, at),
  COLOR_SCALARS: (reader, words, at) => reader.colors(words, at),
  LOOKUP_TABLE: (reader, words, at) => reader.lookupTable(words, at),
  VECTORS: (reader, words, at) => reader.attribute(words, at, 3),
  NORMALS: (reader, words, at) => reader.attribute(words, at, 3),
  TENSORS: (reader, words, at) => reader.attribute(words, at, 9),
  TENSORS6: (reader, words, at) => reader.attribute(words, at, 6),
  GLOBAL_IDS: (reader, words, at) => reader.attribute(words, at, 1),
  PEDIGREE_IDS: (reader, words, at) => reader.attribute(words, at, 1),
  EDGE_FLAGS: (reader, words, at) => reader.attribute(words, at, 1),
  TEXTURE_COORDINATES: (reader, words, at) => reader.textureCoordinates(words, at),
  METADATA: (reader) => reader.metadata(),
};

const DATASETS = ["POLYDATA", "UNSTRUCTURED_GRID", "STRUCTURED_POINTS", "STRUCTURED_GRID", "RECTILINEAR_GRID"];

class LegacyReader {
  readonly #scanner: Scanner;
  #version = 0;
  #isBinary = false;
  #dataset = "";
  #points: Points = new Float32Array(0);
  #dimensions: [number, number, number] | undefined;
  readonly #axes: (Points | undefined)[] = [undefined, undefined, undefined];
  readonly #lists = new Map<string, { connectivity: Int32Array; offsets: Int32Array; at: number }>();
  #types: Uint8Array | undefined;
  #fields: { map: FieldMap; rows: number | undefined };
  readonly #maps = { pointData: new FieldMap(), cellData: new FieldMap(), fieldData: new FieldMap() };
  origin: [number, number, number] = [0, 0, 0];
  spacing: [number, number, number] = [1, 1, 1];

  constructor(
    private readonly source: ByteSource,
    private readonly options: ReadOptions,
  ) {
    this.#scanner = new Scanner(source);
    this.#fields = { map: this.#maps.fieldData, rows: undefined };
  }

  read(): Mesh {
    this.#header();
    for (;;) {
      const at = this.#scanner.position;
      const line = this.#scanner.line();
      if (line === undefined) break;
      const words = line.trim().split(/\s+/);
      if (words[0] === "") continue;
      const keyword = words[0]!.toUpperCase();
      const section = Object.hasOwn(SECTIONS, keyword) ? SECTIONS[keyword] : undefined;
      if (section === undefined) throw this.#error(`expected the keyword of a section, got ${show(words[0]!)}`, at);
      section(this, words, at);
    }
    return this.#mesh();
  }

  #error(problem: string, offset = this.#scanner.position): Error {
    return this.#isBinary ? this.source.error(problem, offset) : this.source.errorInText(problem, offset);
  }

  #header(): void {
    const scanner = this.#scanner;
    const first = scanner.line() ?? "";
    const version = /^#\s*vtk\s+DataFile\s+Version\s+(\d+(?:\.\d+)?)/i.exec(first)?.[1];
    if (version === undefined)
      throw this.#error(`expected "# vtk DataFile Version x.y" in the first line, got ${show(first)}`, 0);
    this.#version = Number(version);
    scanner.line();
    const form = this.#nextLine();
    if (!/^(ascii|binary)$/i.test(form))
      throw this.#error(`expected ASCII or BINARY in the third line, got ${show(form)}`);
    this.#isBinary = /^binary$/i.test(form);
    const [keyword, dataset] = this.#nextLine().split(/\s+/);
    if (keyword?.toUpperCase() !== "DATASET" || !DATASETS.includes((dataset ?? "").toUpperCase()))
      throw this.#error(
        `expected DATASET and one of ${DATASETS.join(", ")}, got ${show(`${keyword} ${dataset ?? ""}`.trim())}`,
      );
    this.#dataset = dataset!.toUpperCase();
  }

  #nextLine(): string {
    for (;;) {
      const line = this.#scanner.line();
      if (line === undefined) throw this.#error("expected another line, got the end of the file");
      if (line.trim() !== "") return line.trim();
    }
  }

  // ---- geometry

  dimensions(words: string[], at: number): void {
    const sizes = words.slice(1, 4).map((_, i) => this.#count(words[i + 1], at));
    if (sizes.length !== 3 || sizes.some((size) => size < 1))
      throw this.#error(`expected DIMENSIONS and three counts from 1, got ${show(words.join(" "))}`, at);
    if (sizes.reduce((product, size) => product * size, 8) >= 2 ** 31)
      throw this.#error(`expected at most 2^28 points in a structured grid, got ${sizes.join(" × ")}`, at);
    this.#dimensions = [sizes[0]!, sizes[1]!, sizes[2]!];
  }

  triple(words: string[], at: number): [number, number, number] {
    const values = words.slice(1, 4).map(Number);
    if (values.length !== 3 || !values.every(Number.isFinite))
      throw this.#error(`expected ${words[0]} and three numbers, got ${show(words.join(" "))}`, at);
    return [values[0]!, values[1]!, values[2]!];
  }

  points(words: string[], at: number): void {
    this.#points = toFloats(this.#array(words[2], 3 * this.#count(words[1], at), "points", at));
  }

  axis(axis: number, words: string[], at: number): void {
    this.#axes[axis] = toFloats(this.#array(words[2], this.#count(words[1], at), "coordinates", at));
  }

  /** Lists of points: offsets and connectivity since version 5.1, before it each list behind its length. */
  lists(name: string, words: string[], at: number): void {
    const [count, size] = [this.#count(words[1], at), this.#count(words[2], at)];
    if (this.#version >= 5) return this.#newLists(name, count, size, at);
    const stream = toInt32(this.#array("int", size, name, at))!;
    // each list has its length among the integers
    if (count > size) throw this.#error(`expected at least ${count} integers in ${name}, got ${size}`, at);
    const offsets = new Int32Array(count + 1);
    const connectivity = new Int32Array(size - count);
    let from = 0;
    for (let cell = 0; cell < count; cell++) {
      const length = stream[from] ?? -1;
      if (length < 0 || offsets[cell]! + length > connectivity.length)
        throw this.#error(`expected ${count} lists with ${size} integers together in ${name}, got more or fewer`, at);
      connectivity.set(stream.subarray(from + 1, from + 1 + length), offsets[cell]);
      offsets[cell + 1] = offsets[cell]! + length;
      from += 1 + length;
    }
    if (from !== size)
      throw this.#error(`expected ${count} lists with ${size} integers together in ${name}, got ${from}`, at);
    this.#lists.set(name, { connectivity, offsets, at });
  }

  #newLists(name: string, count: number, size: number, at: number): void {
    const [offsets, connectivity] = ["OFFSETS", "CONNECTIVITY"].map((keyword) => {
      const start = this.#scanner.position;
      const [first, type] = this.#nextLine().split(/\s+/);
      if (first?.toUpperCase() !== keyword)
        throw this.#error(`expected ${keyword} of ${name}, got ${show(first ?? "")}`, start);
      const values = toInt32(this.#array(type, keyword === "OFFSETS" ? count : size, `${keyword} of ${name}`, start));
      if (values === undefined)
        throw this.#error(`expected integers below 2^31 as ${keyword} of ${name}, got others`, start);
      return values;
    });
    this.#lists.set(name, { connectivity: connectivity!, offsets: count === 0 ? new Int32Array(1) : offsets!, at });
  }

  cellTypes(words: string[], at: number): void {
    const types = this.#array("int", this.#count(words[1], at), "types of cells", at) as Int32Array;
    if (types.some((type) => type < 0 || type > 255))
      throw this.#error("expected types of cells from 0 to 255, got others", at);
    this.#types = Uint8Array.from(types);
  }

  // ---- fields

  begin(place: "pointData" | "cellData", words: string[], at: number): void {
    this.#fields = { map: this.#maps[place], rows: this.#count(words[1], at) };
  }

  field(words: string[], at: number): void {
    const count = this.#count(words[2], at);
    for (let i = 0; i < count; i++) {
      let start = this.#scanner.position;
      let head = this.#nextLine().split(/\s+/);
      if (head[0] === "METADATA") {
        this.metadata();
        start = this.#scanner.position;
        head = this.#nextLine().split(/\s+/);
      }
      // VTK writes arrays that are missing in a dataset so
      if (head[0] === "NULL_ARRAY") continue;
      const [name, components, tuples, type] = head;
      const [width, rows] = [this.#count(components, start), this.#count(tuples, start)];
      if (type?.toLowerCase() === "string") {
        const texts = this.#texts(width * rows, start);
        if (wants(this.options, decode(name!))) this.#fields.map.texts.set(decode(name!), texts);
      } else {
        this.#store(name!, this.#array(type, width * rows, `"${decode(name!)}"`, start), width, rows, start);
      }
    }
  }

  scalars(words: string[], at: number): void {
    const components = words[3] === undefined ? 1 : this.#count(words[3], at);
    const keyword = "LOOKUP_TABLE";
    const isTable = [...keyword].every((c, i) => (this.#scanner.peek(i) | 32) === (c.charCodeAt(0) | 32));
    if (isTable) this.#scanner.line();
    this.attribute(words, at, components);
  }

  /** Colours, which are bytes; ascii files have them as fractions of 255. */
  colors(words: string[], at: number): void {
    const components = this.#count(words[2], at);
    if (this.#isBinary) return this.attribute([words[0]!, words[1]!, "unsigned_char"], at, components);
    const rows = this.#fields.rows ?? 0;
    const fractions = this.#array("float", components * rows, show(words[1] ?? ""), at);
    const bytes = Uint8Array.from(fractions as Float32Array, (value) => Math.floor(255 * value + 0.5));
    this.#store(words[1]!, bytes, components, rows, at);
  }

  /** Colours of scalars, which are no field. */
  lookupTable(words: string[], at: number): void {
    this.#array(this.#isBinary ? "unsigned_char" : "float", 4 * this.#count(words[2], at), "LOOKUP_TABLE", at);
  }

  textureCoordinates(words: string[], at: number): void {
    this.attribute([words[0]!, words[1]!, words[3]!], at, this.#count(words[2], at));
  }

  attribute([keyword, name, type]: string[], at: number, components: number): void {
    const { rows } = this.#fields;
    if (rows === undefined || name === undefined)
      throw this.#error(`expected POINT_DATA or CELL_DATA before ${keyword}, and a name behind it`, at);
    this.#store(name, this.#array(type, components * rows, `"${decode(name)}"`, at), components, rows, at);
  }

  #store(name: string, values: TypedArray, components: number, rows: number, at: number): void {
    const decoded = decode(name);
    if (components < 1 && rows > 0)
      throw this.#error(`expected components of the array "${decoded}", got ${components}`, at);
    if (this.#fields.rows !== undefined && rows !== this.#fields.rows)
      throw this.#error(`expected ${this.#fields.rows} rows in the array "${decoded}", got ${rows}`, at);
    if (wants(this.options, decoded)) this.#fields.map.set(decoded, rowArray(values, components));
  }

  /** Names of components and the like, up to an empty line. */
  metadata(): void {
    for (let line = this.#scanner.line(); line !== undefined && line.trim() !== "";) line = this.#scanner.line();
  }

  // ---- arrays

  #array(typeName: string | undefined, length: number, what: string, at: number): TypedArray {
    const name = (typeName ?? "").toLowerCase();
    if (name === "bit") return this.#bits(length, what);
    const type = TYPES.get(name);
    if (type === undefined)
      throw this.#error(
        `expected a type of numbers (${[...TYPES.keys()].join(", ")}) for ${what}, got ${show(name)}`,
        at,
      );
    if (!this.#isBinary) {
      this.#scanner.require(length, 2, what);
      return this.#scanner.numbers(createArray(type, length), `${length} numbers of ${what}`);
    }
    this.source.require(this.#scanner.position, length * bytesPerElement(type), what);
    const values = createArray(type, length);
    this.#scanner.bytes(bytesOf(values), what);
    return fromFileOrder(values, false);
  }

  #bits(length: number, what: string): Uint8Array {
    this.#scanner.require(length, this.#isBinary ? 1 / 8 : 2, what);
    if (!this.#isBinary) return this.#scanner.numbers(new Uint8Array(length), what);
    const packed = new Uint8Array(Math.ceil(length / 8));
    this.#scanner.bytes(packed, what);
    return unpackBits(packed, length);
  }

  /** In binary files the two highest bits of a length tell how many bytes it has. */
  #texts(count: number, at: number): string[] {
    this.#scanner.require(count, 1, "texts");
    return Array.from({ length: count }, () => {
      if (!this.#isBinary) return decode(this.#scanner.line() ?? "");
      const first = this.#scanner.take();
      let length = first & 63;
      for (let more = [7, 3, 1, 0][first >> 6]!; more > 0; more--) length = 256 * length + this.#scanner.take();
      this.source.require(this.#scanner.position, length < 0 ? Infinity : length, "text");
      const bytes = new Uint8Array(length);
      this.#scanner.bytes(bytes, `text of the array at byte ${at}`);
      return decode(Buffer.from(bytes).toString());
    });
  }

  #count(word: string | undefined, at: number): number {
    const value = Number(word);
    if (word === undefined || !/^\d+$/.test(word) || !Number.isSafeInteger(value))
      throw this.#error(`expected a count, got ${show(word ?? "")}`, at);
    return value;
  }

  // ---- the whole

  #mesh(): Mesh {
    const { pointData, cellData, fieldData } = this.#maps;
    const geometry = this.#geometry();
    const cellsRead = this.options.cells !== false;
    this.#checkRows(pointData, "points", geometry.numberOfPoints);
    this.#checkRows(cellData, "cells", geometry.numberOfCells);
    return new Mesh({
      ...geometry,
      pointData,
      fieldData,
      ...(cellsRead ? { cellData } : { cells: noCells(), numberOfCells: 0 }),
    });
  }

  #checkRows(fields: FieldMap, what: string, expected: number): void {
    for (const [name, { shape }] of fields) {
      if (shape[0] !== expected)
        throw this.#error(`expected as many rows in the array "${name}" as ${what}, ${expected}, got ${shape[0]}`);
    }
  }

  #geometry(): MeshParts & { numberOfPoints: number; numberOfCells: number } {
    if (this.#dataset === "POLYDATA" || this.#dataset === "UNSTRUCTURED_GRID") {
      const numberOfPoints = this.#points.length / 3;
      const cells = this.#dataset === "POLYDATA" ? this.#polyData(numberOfPoints) : this.#unstructured(numberOfPoints);
      return { points: this.#points, cells, numberOfPoints, numberOfCells: cells.types.length };
    }
    const dimensions = this.#dimensions;
    if (dimensions === undefined) throw this.#error("expected DIMENSIONS, got the end of the file");
    const numberOfPoints = dimensions[0] * dimensions[1] * dimensions[2];
    const grid = {
      numberOfPoints,
      dimensions,
      numberOfCells: numberOfCells(dimensions),
      cells: () => structuredCells(dimensions),
    };
    if (this.#dataset === "STRUCTURED_POINTS") {
      const image: ImageGrid = { dimensions, origin: this.origin, spacing: this.spacing };
      return { ...grid, image, points: () => imagePoints(image) };
    }
    if (this.#dataset === "STRUCTURED_GRID") {
      if (this.#points.length !== 3 * numberOfPoints)
        throw this.#error(`expected ${numberOfPoints} points, got ${this.#points.length / 3}`);
      return { ...grid, points: this.#points };
    }
    const axes = this.#axes.map((axis, i) => {
      if (axis?.length !== dimensions[i])
        throw this.#error(`expected ${dimensions[i]} coordinates along axis ${i}, got ${axis?.length ?? "none"}`);
      return axis;
    });
    return { ...grid, points: () => rectilinearPoints([axes[0]!, axes[1]!, axes[2]!]) };
  }

  #polyData(numberOfPoints: number): Cells {
    const typeOf = {
      VERTICES: vertexType,
      LINES: lineType,
      POLYGONS: polygonType,
      TRIANGLE_STRIPS: () => CellType.TRIANGLE_STRIP,
    };
    const parts = Object.entries(typeOf).flatMap(([name, type]) => {
      const lists = this.#lists.get(name);
      if (lists === undefined) return [];
      const { connectivity, offsets, at } = lists;
      const types = Uint8Array.from({ length: offsets.length - 1 }, (_, i) => type(offsets[i + 1]! - offsets[i]!));
      return checkCells({ connectivity, offsets, types }, numberOfPoints, this.source, at);
    });
    return parts.length === 1
      ? parts[0]!
      : joinCells(
          parts,
          parts.map(() => 0),
        );
  }

  #unstructured(numberOfPoints: number): Cells {
    const lists = this.#lists.get("CELLS");
    if (lists === undefined) return noCells();
    const { connectivity, offsets, at } = lists;
    const types = this.#types ?? new Uint8Array(0);
    if (types.length !== offsets.length - 1)
      throw this.#error(`expected types of ${offsets.length - 1} cells, got ${types.length}`, at);
    if (offsets.some((offset, i) => i > 0 && offset < offsets[i - 1]!))
      throw this.#error("expected offsets of the cells that do not fall", at);
    const cells = unpackPolyhedra({ connectivity, offsets, types }, this.source, at);
    return checkCells(cells, numberOfPoints, this.source, at);
  }
}

/** Names and texts have their special characters as %20. */
function decode(text: string): string {
  if (!text.includes("%")) return text;
  const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  return Buffer.from(bytes, "latin1").toString();
}
