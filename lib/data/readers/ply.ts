/** PLY files (Turk 1994): elements with properties, ascii and binary of either byte order. */
import { ValueError } from "../../config/python-errors";
import { bytesPerElement, createArray, numericType, rowsOf } from "./arrays";
import type { NdArray, NumericType, TypedArray } from "./arrays";
import { BinaryReader } from "./binary-reader";
import type { ByteSource } from "./byte-source";
import { checkCells, uniformCells } from "./cells";
import { CellType, polygonType } from "./cell-types";
import { float32Text } from "./decimals";
import type { FileSink } from "./file-sink";
import { GrowingArray } from "./growing-array";
import { FieldMap, Mesh, noCells, type Cells } from "./mesh";
import { wants, type ReadOptions } from "./options";
import { Scanner, show } from "./scanner";
import type { WriteOptions } from "./write-options";

const TYPES: ReadonlyMap<string, NumericType> = new Map([
  ["char", "int8"],
  ["int8", "int8"],
  ["uchar", "uint8"],
  ["uint8", "uint8"],
  ["short", "int16"],
  ["int16", "int16"],
  ["ushort", "uint16"],
  ["uint16", "uint16"],
  ["int", "int32"],
  ["int32", "int32"],
  ["uint", "uint32"],
  ["uint32", "uint32"],
  ["float", "float32"],
  ["float32", "float32"],
  ["double", "float64"],
  ["float64", "float64"],
]);
const NAMES: ReadonlyMap<NumericType, string> = new Map([...TYPES].map(([name, type]) => [type, name]));

/** Scalar properties that together are one field. */
const VECTORS = [
  { name: "normals", parts: ["nx", "ny", "nz"] },
  { name: "colors", parts: ["red", "green", "blue", "alpha"] },
  { name: "colors", parts: ["red", "green", "blue"] },
];
const POSITION = ["x", "y", "z"];
const CORNERS = ["vertex_indices", "vertex_index"];
const MAX_ELEMENTS = 1000;

interface Property {
  readonly name: string;
  readonly type: NumericType;
  /** Type of the length, of lists. */
  readonly count?: NumericType;
}

interface Element {
  readonly name: string;
  readonly count: number;
  readonly properties: Property[];
}

/** The values of an element: scalars by name, lists with where each begins. */
interface Table {
  readonly rows: number;
  readonly scalars: Map<string, TypedArray>;
  readonly lists: Map<string, { values: GrowingArray<Float64Array>; offsets: Int32Array }>;
}

/**
 * Reads points, faces and edges. Properties become fields: `nx, ny, nz` the field `normals`, `red, green, blue` (and
 * `alpha`) `colors`, others keep their names. Edges are the block `edge`; scalars of unknown elements are field data
 * `element.property`. Lists beside the corners of faces are not kept.
 */
export function readPly(source: ByteSource, options: ReadOptions = {}): Mesh {
  const scanner = new Scanner(source);
  const { format, elements } = readHeader(scanner);
  const start = scanner.position;
  let number: (type: NumericType) => number = (type) => scanner.number(`a ${type}`);
  let position = () => scanner.position;
  if (format !== "ascii") {
    const reader = new BinaryReader(source, start, format === "binary_little_endian");
    number = (type) => reader.number(type);
    position = () => reader.position;
  }
  const tables = new Map<string, Table>();
  for (const element of elements) {
    const offset = position();
    const least = element.properties.reduce((sum, { type, count }) => sum + bytesPerElement(count ?? type), 0);
    const perRow = format === "ascii" ? 2 * element.properties.length : least;
    if (element.count * perRow > source.size - offset + 1 || (perRow === 0 && element.count > 0))
      throw source.error(
        `expected ${element.count} rows of ${element.name}, got ${source.size - offset} bytes`,
        offset,
      );
    tables.set(
      element.name,
      readTable(element, number, (problem) => source.error(problem, position())),
    );
  }
  return meshOf(tables, source, start, options);
}

function readHeader(scanner: Scanner): { format: string; elements: Element[] } {
  const fail = (expected: string, got: string, at: number) =>
    scanner.error(`expected ${expected}, got ${show(got)}`, at);
  const first = scanner.line() ?? "";
  if (first.trim() !== "ply") throw fail('"ply" in the first line', first, 0);
  let format: string | undefined;
  const elements: Element[] = [];
  for (;;) {
    const at = scanner.position;
    const line = scanner.line();
    if (line === undefined) throw fail("end_header", "", at);
    const [keyword = "", ...words] = line.trim().split(/\s+/);
    if (keyword === "end_header") break;
    if (keyword === "" || keyword === "comment" || keyword === "obj_info") continue;
    if (keyword === "format") {
      format = words[0];
      if (!["ascii", "binary_little_endian", "binary_big_endian"].includes(format ?? ""))
        throw fail("format ascii, binary_little_endian or binary_big_endian", line, at);
    } else if (keyword === "element") {
      const count = Number(words[1]);
      if (!/^\d+$/.test(words[1] ?? "") || count > 2 ** 31 - 1) throw fail("element, a name and a count", line, at);
      if (elements.some((element) => element.name === words[0])) throw fail("elements of different names", line, at);
      if (elements.push({ name: words[0]!, count, properties: [] }) > MAX_ELEMENTS)
        throw fail(`at most ${MAX_ELEMENTS} elements`, line, at);
    } else if (keyword === "property") {
      const isList = words[0] === "list";
      const [count, type, name] = isList ? words.slice(1) : [undefined, ...words];
      const types = [count, type].map((word) => TYPES.get(word ?? ""));
      const element = elements.at(-1);
      if (element === undefined || types[1] === undefined || name === undefined || (isList && types[0] === undefined))
        throw fail("property, a type and a name after an element", line, at);
      element.properties.push({ name, type: types[1], ...(isList && { count: types[0]! }) });
    } else throw fail("a keyword of the header", line, at);
  }
  if (format === undefined) throw fail("a line format", "end_header", scanner.position);
  return { format, elements };
}

function readTable(
  { name, count, properties }: Element,
  number: (type: NumericType) => number,
  fail: (problem: string) => Error,
): Table {
  const table: Table = { rows: count, scalars: new Map(), lists: new Map() };
  const readers = properties.map((property): ((row: number) => void) => {
    const { type } = property;
    if (property.count === undefined) {
      // of at most 32 bits or a double, so never a bigint
      const values = createArray(type, count) as Float64Array;
      table.scalars.set(property.name, values);
      return (row) => (values[row] = number(type));
    }
    const [values, offsets] = [new GrowingArray(Float64Array), new Int32Array(count + 1)];
    table.lists.set(property.name, { values, offsets });
    const countType = property.count;
    return (row) => {
      const length = number(countType);
      if (!(length >= 0 && Number.isInteger(length)))
        throw fail(`expected the length of ${property.name} in row ${row} of ${name}, got ${length}`);
      for (let i = 0; i < length; i++) values.push(number(type));
      offsets[row + 1] = values.length;
    };
  });
  for (let row = 0; row < count; row++) for (const read of readers) read(row);
  return table;
}

function meshOf(tables: ReadonlyMap<string, Table>, source: ByteSource, offset: number, options: ReadOptions): Mesh {
  const vertex = tables.get("vertex");
  if (vertex === undefined) throw source.error("expected an element vertex, got none", offset);
  const axes = POSITION.map((name) => {
    const values = vertex.scalars.get(name);
    if (values === undefined) throw source.error(`expected a property ${name} of the element vertex, got none`, offset);
    return values;
  });
  const isSingle = axes.every((axis) => axis instanceof Float32Array);
  const points = isSingle ? new Float32Array(3 * vertex.rows) : new Float64Array(3 * vertex.rows);
  axes.forEach((axis, d) => {
    for (let row = 0; row < vertex.rows; row++) points[3 * row + d] = Number(axis[row]);
  });
  const fieldData = new FieldMap();
  for (const [name, table] of tables) {
    if (name === "vertex" || name === "face" || name === "edge") continue;
    for (const [key, array] of fieldsOf(table, options, (property) => `${name}.${property}`)) fieldData.set(key, array);
  }
  const pointData = fieldsOf(vertex, options);
  for (const axis of POSITION) pointData.delete(axis);
  const common = { points, pointData, fieldData };
  if (options.cells === false) return new Mesh({ ...common, cells: noCells() });
  const face = tables.get("face");
  const corners = face && CORNERS.map((name) => face.lists.get(name)).find((list) => list !== undefined);
  const blocks = new Map<string, Mesh>();
  const edge = tables.get("edge");
  if (edge !== undefined) {
    const cells = checkCells(edgeCells(edge, source, offset), vertex.rows, source, offset);
    const cellData = fieldsOf(edge, options);
    for (const end of ["vertex1", "vertex2"]) cellData.delete(end);
    blocks.set("edge", new Mesh({ points, cells, cellData }));
  }
  if (face === undefined) return new Mesh({ ...common, blocks });
  if (corners === undefined) throw source.error("expected a list vertex_indices of the element face, got none", offset);
  const { offsets } = corners;
  const connectivity = Int32Array.from(corners.values.finish());
  const types = Uint8Array.from({ length: face.rows }, (_, row) => polygonType(offsets[row + 1]! - offsets[row]!));
  const cells = checkCells({ connectivity, offsets, types }, vertex.rows, source, offset);
  return new Mesh({ ...common, cells, cellData: fieldsOf(face, options), blocks });
}

function edgeCells({ scalars, rows }: Table, source: ByteSource, offset: number): Cells {
  const [first, second] = [scalars.get("vertex1"), scalars.get("vertex2")];
  if (first === undefined || second === undefined)
    throw source.error("expected properties vertex1 and vertex2 of the element edge, got others", offset);
  const connectivity = Int32Array.from({ length: 2 * rows }, (_, i) => Number((i % 2 === 0 ? first : second)[i >> 1]));
  return uniformCells(connectivity, 2, CellType.LINE);
}

function fieldsOf(table: Table, options: ReadOptions, rename = (name: string) => name): FieldMap {
  const fields = new FieldMap();
  const single = new Map(table.scalars);
  for (const { name, parts } of VECTORS) {
    const arrays = parts.map((part) => single.get(part));
    const type = arrays[0] && numericType(arrays[0]);
    if (!arrays.every((array): array is TypedArray => array !== undefined && numericType(array) === type)) continue;
    const values = createArray(type!, parts.length * table.rows) as Float64Array;
    arrays.forEach((array, c) => {
      for (let row = 0; row < table.rows; row++) values[parts.length * row + c] = Number(array[row]);
    });
    for (const part of parts) single.delete(part);
    if (wants(options, rename(name))) fields.set(rename(name), { values, shape: [table.rows, parts.length] });
  }
  for (const [name, values] of single) {
    if (wants(options, rename(name))) fields.set(rename(name), { values, shape: [table.rows] });
  }
  return fields;
}

// ---- writing

/**
 * Writes points and faces with their fields, one property for each component: `normals` as `nx, ny, nz`, `colors` of bytes
 * as `red, green, blue`, vectors as `name_0, name_1, …`.
 *
 * @throws ValueError when the mesh has other cells than triangles, quads and polygons, or fields of 64-bit integers.
 */
export function writePly(mesh: Mesh, sink: FileSink, options: WriteOptions = {}): void {
  const { connectivity, offsets, types } = mesh.cells;
  types.forEach((type, cell) => {
    if (type !== CellType.TRIANGLE && type !== CellType.QUAD && type !== CellType.POLYGON)
      throw new ValueError(
        `expected triangles, quads and polygons for a .ply file, got the type ${type} (cell ${cell})`,
      );
  });
  const isAscii = options.encoding === "ascii";
  const position = columnsOf("position", { values: mesh.points, shape: [mesh.numberOfPoints, 3] });
  const vertex = [...position, ...[...mesh.pointData].flatMap(([name, array]) => columnsOf(name, array))];
  const face = [...mesh.cellData].flatMap(([name, array]) => columnsOf(name, array));
  const lines = (columns: Column[]) =>
    columns.map(({ name, type }) => `property ${NAMES.get(type)} ${name}\n`).join("");
  sink.write(
    `ply\nformat ${isAscii ? "ascii" : "binary_little_endian"} 1.0\ncomment written by noether-ts\n` +
      `element vertex ${mesh.numberOfPoints}\n${lines(vertex)}` +
      `element face ${types.length}\nproperty list int int vertex_indices\n${lines(face)}end_header\n`,
  );
  const corners = (row: number) => connectivity.subarray(offsets[row], offsets[row + 1]);
  if (isAscii) {
    const texts = (columns: Column[], row: number) => columns.map(({ values, index }) => textOf(values, index(row)));
    for (let row = 0; row < mesh.numberOfPoints; row++) sink.write(`${texts(vertex, row).join(" ")}\n`);
    for (let row = 0; row < types.length; row++)
      sink.write(`${[corners(row).length, ...corners(row), ...texts(face, row)].join(" ")}\n`);
    return;
  }
  for (let row = 0; row < mesh.numberOfPoints; row++) sink.write(recordOf([], vertex, row));
  for (let row = 0; row < types.length; row++) sink.write(recordOf([corners(row).length, ...corners(row)], face, row));
}

interface Column {
  readonly name: string;
  readonly type: NumericType;
  readonly values: TypedArray;
  readonly index: (row: number) => number;
}

function columnsOf(name: string, array: NdArray): Column[] {
  const { components } = rowsOf(array);
  const type = numericType(array.values);
  if (!NAMES.has(type))
    throw new ValueError(`expected fields of at most 32-bit integers for a .ply file, got ${type} in "${name}"`);
  if (/\s/.test(name)) throw new ValueError(`expected names without white space for a .ply file, got "${name}"`);
  const known =
    name === "position"
      ? POSITION
      : VECTORS.find(({ name: other, parts }) => other === name && parts.length === components)?.parts;
  return Array.from({ length: components }, (_, c) => ({
    name: known?.[c] ?? (components === 1 ? name : `${name}_${c}`),
    type,
    values: array.values,
    index: (row) => components * row + c,
  }));
}

function textOf(values: TypedArray, index: number): string {
  return values instanceof Float32Array ? float32Text(values[index]!) : String(values[index]);
}

function recordOf(corners: readonly number[], columns: readonly Column[], row: number): Uint8Array {
  const size = columns.reduce((sum, { type }) => sum + bytesPerElement(type), 4 * corners.length);
  const view = new DataView(new ArrayBuffer(size));
  let at = 0;
  for (const corner of corners) {
    view.setInt32(at, corner, true);
    at += 4;
  }
  for (const { values, type, index } of columns) {
    const value = Number(values[index(row)]);
    if (type === "float32") view.setFloat32(at, value, true);
    else if (type === "float64") view.setFloat64(at, value, true);
    else if (bytesPerElement(type) === 4) view.setInt32(at, value, true);
    else if (bytesPerElement(type) === 2) view.setInt16(at, value, true);
    else view.setInt8(at, value);
    at += bytesPerElement(type);
  }
  return new Uint8Array(view.buffer);
}
