/**
 * Legacy VTK files, versions 1 to 5.1, ascii and binary (big-endian).
 * Format: https://docs.vtk.org/en/latest/vtk_file_formats/vtk_legacy_file_format.html
 */
import { rowArray, toFloats, toInt32 } from "../arrays";
import type { TypedArray } from "../arrays";
import type { ByteSource } from "../byte-source";
import { CellType, lineType, polygonType, vertexType } from "../cell-types";
import { checkCells, joinCells } from "../cells";
import { FieldMap, Mesh, noCells, type Cells, type ImageGrid, type MeshParts, type Points } from "../mesh";
import { wants, type ReadOptions } from "../options";
import { show, type Scanner } from "../scanner";
import { imagePoints, numberOfCells, rectilinearPoints, structuredCells } from "../structured";
import { decode, LegacyValues } from "./legacy-values";
import { unpackPolyhedra } from "./polyhedra";

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
  readonly #values: LegacyValues;
  readonly #scanner: Scanner;
  #version = 0;
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
    this.#values = new LegacyValues(source);
    this.#scanner = this.#values.scanner;
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
      if (section === undefined)
        throw this.#values.error(`expected the keyword of a section, got ${show(words[0]!)}`, at);
      section(this, words, at);
    }
    return this.#mesh();
  }

  #header(): void {
    const scanner = this.#scanner;
    const first = scanner.line() ?? "";
    const version = /^#\s*vtk\s+DataFile\s+Version\s+(\d+(?:\.\d+)?)/i.exec(first)?.[1];
    if (version === undefined)
      throw this.#values.error(`expected "# vtk DataFile Version x.y" in the first line, got ${show(first)}`, 0);
    this.#version = Number(version);
    scanner.line();
    const form = this.#values.nextLine();
    if (!/^(ascii|binary)$/i.test(form))
      throw this.#values.error(`expected ASCII or BINARY in the third line, got ${show(form)}`);
    this.#values.isBinary = /^binary$/i.test(form);
    const [keyword, dataset] = this.#values.nextLine().split(/\s+/);
    if (keyword?.toUpperCase() !== "DATASET" || !DATASETS.includes((dataset ?? "").toUpperCase()))
      throw this.#values.error(
        `expected DATASET and one of ${DATASETS.join(", ")}, got ${show(`${keyword} ${dataset ?? ""}`.trim())}`,
      );
    this.#dataset = dataset!.toUpperCase();
  }

  // ---- geometry

  dimensions(words: string[], at: number): void {
    const sizes = words.slice(1, 4).map((_, i) => this.#values.count(words[i + 1], at));
    if (sizes.length !== 3 || sizes.some((size) => size < 1))
      throw this.#values.error(`expected DIMENSIONS and three counts from 1, got ${show(words.join(" "))}`, at);
    if (sizes.reduce((product, size) => product * size, 8) >= 2 ** 31)
      throw this.#values.error(`expected at most 2^28 points in a structured grid, got ${sizes.join(" × ")}`, at);
    this.#dimensions = [sizes[0]!, sizes[1]!, sizes[2]!];
  }

  triple(words: string[], at: number): [number, number, number] {
    const values = words.slice(1, 4).map(Number);
    if (values.length !== 3 || !values.every(Number.isFinite))
      throw this.#values.error(`expected ${words[0]} and three numbers, got ${show(words.join(" "))}`, at);
    return [values[0]!, values[1]!, values[2]!];
  }

  points(words: string[], at: number): void {
    this.#points = toFloats(this.#values.array(words[2], 3 * this.#values.count(words[1], at), "points", at));
  }

  axis(axis: number, words: string[], at: number): void {
    this.#axes[axis] = toFloats(this.#values.array(words[2], this.#values.count(words[1], at), "coordinates", at));
  }

  /** Lists of points: offsets and connectivity since version 5.1, before it each list behind its length. */
  lists(name: string, words: string[], at: number): void {
    const [count, size] = [this.#values.count(words[1], at), this.#values.count(words[2], at)];
    if (this.#version >= 5) return this.#newLists(name, count, size, at);
    const stream = toInt32(this.#values.array("int", size, name, at))!;
    // each list has its length among the integers
    if (count > size) throw this.#values.error(`expected at least ${count} integers in ${name}, got ${size}`, at);
    const offsets = new Int32Array(count + 1);
    const connectivity = new Int32Array(size - count);
    let from = 0;
    for (let cell = 0; cell < count; cell++) {
      const length = stream[from] ?? -1;
      if (length < 0 || offsets[cell]! + length > connectivity.length)
        throw this.#values.error(
          `expected ${count} lists with ${size} integers together in ${name}, got more or fewer`,
          at,
        );
      connectivity.set(stream.subarray(from + 1, from + 1 + length), offsets[cell]);
      offsets[cell + 1] = offsets[cell]! + length;
      from += 1 + length;
    }
    if (from !== size)
      throw this.#values.error(`expected ${count} lists with ${size} integers together in ${name}, got ${from}`, at);
    this.#lists.set(name, { connectivity, offsets, at });
  }

  #newLists(name: string, count: number, size: number, at: number): void {
    const [offsets, connectivity] = ["OFFSETS", "CONNECTIVITY"].map((keyword) => {
      const start = this.#scanner.position;
      const [first, type] = this.#values.nextLine().split(/\s+/);
      if (first?.toUpperCase() !== keyword)
        throw this.#values.error(`expected ${keyword} of ${name}, got ${show(first ?? "")}`, start);
      const values = toInt32(
        this.#values.array(type, keyword === "OFFSETS" ? count : size, `${keyword} of ${name}`, start),
      );
      if (values === undefined)
        throw this.#values.error(`expected integers below 2^31 as ${keyword} of ${name}, got others`, start);
      return values;
    });
    this.#lists.set(name, { connectivity: connectivity!, offsets: count === 0 ? new Int32Array(1) : offsets!, at });
  }

  cellTypes(words: string[], at: number): void {
    const types = this.#values.array("int", this.#values.count(words[1], at), "types of cells", at) as Int32Array;
    if (types.some((type) => type < 0 || type > 255))
      throw this.#values.error("expected types of cells from 0 to 255, got others", at);
    this.#types = Uint8Array.from(types);
  }

  // ---- fields

  begin(place: "pointData" | "cellData", words: string[], at: number): void {
    this.#fields = { map: this.#maps[place], rows: this.#values.count(words[1], at) };
  }

  field(words: string[], at: number): void {
    const count = this.#values.count(words[2], at);
    for (let i = 0; i < count; i++) {
      let start = this.#scanner.position;
      let head = this.#values.nextLine().split(/\s+/);
      if (head[0] === "METADATA") {
        this.metadata();
        start = this.#scanner.position;
        head = this.#values.nextLine().split(/\s+/);
      }
      // VTK writes arrays that are missing in a dataset so
      if (head[0] === "NULL_ARRAY") continue;
      const [name, components, tuples, type] = head;
      const [width, rows] = [this.#values.count(components, start), this.#values.count(tuples, start)];
      if (type?.toLowerCase() === "string") {
        const texts = this.#values.texts(width * rows, start);
        if (wants(this.options, decode(name!))) this.#fields.map.texts.set(decode(name!), texts);
      } else {
        this.#readField(name!, type, width, rows, start);
      }
    }
  }

  scalars(words: string[], at: number): void {
    const components = words[3] === undefined ? 1 : this.#values.count(words[3], at);
    const keyword = "LOOKUP_TABLE";
    const isTable = [...keyword].every((c, i) => (this.#scanner.peek(i) | 32) === (c.charCodeAt(0) | 32));
    if (isTable) this.#scanner.line();
    this.attribute(words, at, components);
  }

  /** Colours, which are bytes; ascii files have them as fractions of 255. */
  colors(words: string[], at: number): void {
    const components = this.#values.count(words[2], at);
    if (this.#values.isBinary) return this.attribute([words[0]!, words[1]!, "unsigned_char"], at, components);
    const rows = this.#fields.rows ?? 0;
    const fractions = this.#values.array("float", components * rows, show(words[1] ?? ""), at);
    const bytes = Uint8Array.from(fractions as Float32Array, (value) => Math.floor(255 * value + 0.5));
    this.#store(words[1]!, bytes, components, rows, at);
  }

  /** Colours of scalars, which are no field. */
  lookupTable(words: string[], at: number): void {
    this.#values.array(
      this.#values.isBinary ? "unsigned_char" : "float",
      4 * this.#values.count(words[2], at),
      "LOOKUP_TABLE",
      at,
    );
  }

  textureCoordinates(words: string[], at: number): void {
    this.attribute([words[0]!, words[1]!, words[3]!], at, this.#values.count(words[2], at));
  }

  attribute([keyword, name, type]: string[], at: number, components: number): void {
    const { rows } = this.#fields;
    if (rows === undefined || name === undefined)
      throw this.#values.error(`expected POINT_DATA or CELL_DATA before ${keyword}, and a name behind it`, at);
    this.#readField(name, type, components, rows, at);
  }

  #readField(name: string, type: string | undefined, components: number, rows: number, at: number): void {
    const what = `"${decode(name)}"`;
    if (!wants(this.options, decode(name))) return this.#values.skip(type, components * rows, what, at);
    this.#store(name, this.#values.array(type, components * rows, what, at), components, rows, at);
  }

  #store(name: string, values: TypedArray, components: number, rows: number, at: number): void {
    const decoded = decode(name);
    if (components < 1 && rows > 0)
      throw this.#values.error(`expected components of the array "${decoded}", got ${components}`, at);
    if (this.#fields.rows !== undefined && rows !== this.#fields.rows)
      throw this.#values.error(`expected ${this.#fields.rows} rows in the array "${decoded}", got ${rows}`, at);
    if (wants(this.options, decoded)) this.#fields.map.set(decoded, rowArray(values, components));
  }

  /** Names of components and the like, up to an empty line. */
  metadata(): void {
    for (let line = this.#scanner.line(); line !== undefined && line.trim() !== "";) line = this.#scanner.line();
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
        throw this.#values.error(
          `expected as many rows in the array "${name}" as ${what}, ${expected}, got ${shape[0]}`,
        );
    }
  }

  #geometry(): MeshParts & { numberOfPoints: number; numberOfCells: number } {
    if (this.#dataset === "POLYDATA" || this.#dataset === "UNSTRUCTURED_GRID") {
      const numberOfPoints = this.#points.length / 3;
      const cells = this.#dataset === "POLYDATA" ? this.#polyData(numberOfPoints) : this.#unstructured(numberOfPoints);
      return { points: this.#points, cells, numberOfPoints, numberOfCells: cells.types.length };
    }
    const dimensions = this.#dimensions;
    if (dimensions === undefined) throw this.#values.error("expected DIMENSIONS, got the end of the file");
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
        throw this.#values.error(`expected ${numberOfPoints} points, got ${this.#points.length / 3}`);
      return { ...grid, points: this.#points };
    }
    const axes = this.#axes.map((axis, i) => {
      if (axis?.length !== dimensions[i])
        throw this.#values.error(
          `expected ${dimensions[i]} coordinates along axis ${i}, got ${axis?.length ?? "none"}`,
        );
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
      throw this.#values.error(`expected types of ${offsets.length - 1} cells, got ${types.length}`, at);
    if (offsets.some((offset, i) => i > 0 && offset < offsets[i - 1]!))
      throw this.#values.error("expected offsets of the cells that do not fall", at);
    const cells = unpackPolyhedra({ connectivity, offsets, types }, this.source, at);
    return checkCells(cells, numberOfPoints, this.source, at);
  }
}
