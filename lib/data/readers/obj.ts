/** Wavefront OBJ files: points, polygons, lines; read and written. */
import type { ByteSource } from "./byte-source";
import { cellPoints, checkCells } from "./cells";
import { CellType, lineType, polygonType, vertexType } from "./cell-types";
import type { FileSink } from "./file-sink";
import { GrowingArray } from "./growing-array";
import { FieldMap, Mesh, noCells } from "./mesh";
import { wants, type ReadOptions } from "./options";
import { Scanner, show } from "./scanner";
import { endsNumber } from "./text";
import { ValueError } from "../../config/python-errors";

/** How something looks, or what is of no use for points and polygons. */
const IGNORED = new Set(
  "mtllib usemap maplib s mg bevel c_interp d_interp lod shadow_obj trace_obj vp cstype deg".split(" "),
);
const [NEWLINE, RETURN, HASH, SLASH, BACKSLASH] = [10, 13, 35, 47, 92];

/**
 * Reads points and cells. Groups, objects and materials are fields on cells (`group`, `object`, `material`) that count the
 * names among the texts of the field data (`groups`, `objects`, `materials`). Normals and texture coordinates are fields
 * `normals` (N, 3) and `texcoords` (N, 2) where each point has one and no more.
 */
export function readObj(source: ByteSource, options: ReadOptions = {}): Mesh {
  return new ObjReader(source, options).read();
}

/** Names in the order in which they first came, and the one of each cell. */
class Labels {
  readonly names: string[] = [];
  readonly values = new GrowingArray(Int32Array);
  current = -1;

  constructor(readonly name: string) {}

  choose(name: string): void {
    const known = this.names.indexOf(name);
    this.current = known >= 0 ? known : this.names.push(name) - 1;
  }
}

/** Vectors of which corners name one each. */
class CornerVectors {
  readonly values = new GrowingArray(Float64Array);
  /** For each point the vector that its corners name; −1 for none. */
  readonly ofPoint = new Map<number, number>();
  isUnique = true;

  constructor(readonly components: number) {}

  get count(): number {
    return this.values.length / this.components;
  }

  use(point: number, vector: number): void {
    const before = this.ofPoint.get(point);
    if (before === undefined) this.ofPoint.set(point, vector);
    else this.isUnique &&= before === vector;
  }
}

class ObjReader {
  readonly #scanner: Scanner;
  readonly #points = new GrowingArray(Float64Array);
  readonly #colors = new GrowingArray(Float64Array);
  readonly #connectivity = new GrowingArray(Int32Array);
  readonly #ends = new GrowingArray(Int32Array);
  readonly #types = new GrowingArray(Uint8Array);
  readonly #labels = { g: new Labels("group"), o: new Labels("object"), usemtl: new Labels("material") };
  readonly #normals = new CornerVectors(3);
  readonly #texcoords = new CornerVectors(2);

  constructor(
    private readonly source: ByteSource,
    private readonly options: ReadOptions,
  ) {
    this.#scanner = new Scanner(source);
  }

  read(): Mesh {
    const scanner = this.#scanner;
    for (scanner.skipSpace(); !scanner.isAtEnd; scanner.skipSpace()) {
      if (scanner.peek() === HASH) {
        scanner.skipTo(NEWLINE);
        continue;
      }
      const at = scanner.position;
      this.#statement(scanner.word(), at);
      if (!this.#isLineEnd()) throw scanner.error(`expected the end of the line, got ${show(scanner.word())}`, at);
    }
    return this.#mesh();
  }

  #statement(keyword: string, at: number): void {
    if (keyword === "v") this.#vertex();
    else if (keyword === "vn") this.#vector(this.#normals, 3);
    else if (keyword === "vt") this.#vector(this.#texcoords, 1);
    else if (keyword === "f") this.#cell(polygonType, 3);
    else if (keyword === "l") this.#cell(lineType, 2);
    else if (keyword === "p") this.#cell(vertexType, 1);
    else if (keyword === "g" || keyword === "o" || keyword === "usemtl") this.#labels[keyword].choose(this.#rest());
    else if (IGNORED.has(keyword)) this.#rest();
    else throw this.#scanner.error(`expected points, polygons, lines and groups, got ${show(keyword)}`, at);
  }

  /** Blanks and continued lines are skipped; true where the statement ends. */
  #isLineEnd(): boolean {
    const scanner = this.#scanner;
    for (;;) {
      const byte = scanner.peek();
      if (
        byte === BACKSLASH &&
        (scanner.peek(1) === NEWLINE || (scanner.peek(1) === RETURN && scanner.peek(2) === NEWLINE))
      ) {
        scanner.skipTo(NEWLINE);
        scanner.take();
      } else if (byte === 32 || byte === 9 || byte === 13) scanner.take();
      else return byte < 0 || byte === NEWLINE || byte === HASH ? (scanner.skipTo(NEWLINE), true) : false;
    }
  }

  #rest(): string {
    const text = this.#scanner.line() ?? "";
    // the end of the line stays for whoever asks whether it is there
    if (!this.#scanner.isAtEnd) this.#scanner.skip(-1);
    return text.trim();
  }

  #vertex(): void {
    for (let d = 0; d < 3; d++) {
      if (this.#isLineEnd()) throw this.#scanner.error(`expected 3 coordinates of a point, got ${d}`);
      this.#points.push(this.#scanner.number("a coordinate"));
    }
    const more: number[] = [];
    while (!this.#isLineEnd()) more.push(this.#scanner.number("a coordinate"));
    if (more.length === 3) for (const value of more) this.#colors.push(value);
    else if (more.length > 1)
      throw this.#scanner.error(`expected 3 coordinates, a weight or a colour, got ${3 + more.length} numbers`);
  }

  #vector(vectors: CornerVectors, least: number): void {
    for (let c = 0; c < vectors.components; c++) {
      if (this.#isLineEnd()) {
        if (c < least) throw this.#scanner.error(`expected ${least} numbers, got ${c}`);
        vectors.values.push(0);
      } else vectors.values.push(this.#scanner.number());
    }
    while (!this.#isLineEnd()) this.#scanner.number();
  }

  #cell(typeOf: (points: number) => number, least: number): void {
    const at = this.#scanner.position;
    let corners = 0;
    for (; !this.#isLineEnd(); corners++) this.#corner();
    if (corners < least) throw this.#scanner.error(`expected at least ${least} points, got ${corners}`, at);
    this.#types.push(typeOf(corners));
    this.#ends.push(this.#connectivity.length);
    for (const labels of Object.values(this.#labels)) labels.values.push(labels.current);
  }

  /** `point`, `point/texcoord`, `point//normal` or `point/texcoord/normal`. */
  #corner(): void {
    const scanner = this.#scanner;
    const point = this.#index(this.#points.length / 3, "point");
    this.#connectivity.push(point);
    if (scanner.peek() !== SLASH) return;
    scanner.take();
    const next = scanner.peek();
    if (next !== SLASH && !endsNumber(next))
      this.#texcoords.use(point, this.#index(this.#texcoords.count, "texture coordinate"));
    if (scanner.peek() !== SLASH) return;
    scanner.take();
    if (!endsNumber(scanner.peek())) this.#normals.use(point, this.#index(this.#normals.count, "normal"));
  }

  /** Indices count from 1, or backwards from the last one so far. */
  #index(count: number, what: string): number {
    const at = this.#scanner.position;
    const value = this.#scanner.number(`the index of a ${what}`);
    const index = value > 0 ? value - 1 : count + value;
    if (!Number.isInteger(value) || value === 0 || index < 0 || index >= 2 ** 31)
      throw this.#scanner.error(`expected the index of a ${what}, got ${value}`, at);
    return index;
  }

  #mesh(): Mesh {
    const points = this.#points.finish();
    const count = points.length / 3;
    const pointData = new FieldMap();
    const add = (name: string, values: Float64Array, components: number) => {
      if (wants(this.options, name)) pointData.set(name, { values, shape: [count, components] });
    };
    if (this.#colors.length === points.length && count > 0) add("colors", this.#colors.finish(), 3);
    for (const [name, vectors] of [
      ["normals", this.#normals],
      ["texcoords", this.#texcoords],
    ] as const) {
      const values = this.#pointVectors(vectors, count);
      if (values !== undefined) add(name, values, vectors.components);
    }
    if (this.options.cells === false) return new Mesh({ points, pointData, cells: noCells() });
    const cellData = new FieldMap();
    const fieldData = new FieldMap();
    for (const { name, names, values } of Object.values(this.#labels)) {
      if (names.length > 0 && wants(this.options, `${name}s`)) fieldData.texts.set(`${name}s`, names);
      if (names.length > 0 && wants(this.options, name))
        cellData.set(name, { values: values.finish(), shape: [values.length] });
    }
    const offsets = new Int32Array(this.#ends.length + 1);
    offsets.set(this.#ends.finish(), 1);
    const cells = { connectivity: this.#connectivity.finish(), offsets, types: this.#types.finish() };
    return new Mesh({ points, cells: checkCells(cells, count, this.source), pointData, cellData, fieldData });
  }

  /** The vector of each point, where each has one and no more. */
  #pointVectors(
    { values, ofPoint, isUnique, components, count: known }: CornerVectors,
    count: number,
  ): Float64Array | undefined {
    if (!isUnique || ofPoint.size !== count || count === 0) return undefined;
    const result = new Float64Array(components * count);
    for (const [point, vector] of ofPoint) {
      if (vector >= known || point >= count) return undefined;
      for (let c = 0; c < components; c++) result[components * point + c] = values.at(components * vector + c)!;
    }
    return result;
  }
}

/**
 * Writes points and cells; the format holds no other fields than `normals`.
 *
 * @throws ValueError when the mesh has other cells than points, lines, triangles, quads and polygons.
 */
export function writeObj(mesh: Mesh, sink: FileSink): void {
  const { points, cells } = mesh;
  const normals = mesh.pointData.get("normals");
  const row = (values: ArrayLike<number | bigint>, i: number) =>
    `${values[3 * i]} ${values[3 * i + 1]} ${values[3 * i + 2]}\n`;
  sink.write("# written by noether-ts\n");
  for (let i = 0; i < mesh.numberOfPoints; i++) sink.write(`v ${row(points, i)}`);
  if (normals !== undefined) for (let i = 0; i < mesh.numberOfPoints; i++) sink.write(`vn ${row(normals.values, i)}`);
  for (let cell = 0; cell < cells.types.length; cell++) {
    const keyword = KEYWORDS.get(cells.types[cell]!);
    if (keyword === undefined)
      throw new ValueError(
        `expected points, lines and polygons for a .obj file, got the type ${cells.types[cell]} (cell ${cell})`,
      );
    const corner = (point: number) => (normals && keyword === "f" ? `${point + 1}//${point + 1}` : point + 1);
    sink.write(`${keyword} ${Array.from(cellPoints(cells, cell), corner).join(" ")}\n`);
  }
}

const KEYWORDS = new Map<number, string>([
  [CellType.VERTEX, "p"],
  [CellType.POLY_VERTEX, "p"],
  [CellType.LINE, "l"],
  [CellType.POLY_LINE, "l"],
  [CellType.TRIANGLE, "f"],
  [CellType.QUAD, "f"],
  [CellType.POLYGON, "f"],
]);
