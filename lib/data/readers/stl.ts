/** STL files: triangles, ascii and binary (little-endian). */
import { uniformCells } from "./cells";
import type { ByteSource } from "./byte-source";
import { CellType } from "./cell-types";
import { float32Text } from "./decimals";
import type { FileSink } from "./file-sink";
import { GrowingArray } from "./growing-array";
import { FieldMap, Mesh, noCells } from "./mesh";
import { wants, type ReadOptions } from "./options";
import { PointMerger } from "./point-merger";
import { Scanner, show } from "./scanner";
import { triangleNormals, triangulate } from "./triangles";
import type { WriteOptions } from "./write-options";

const HEADER = 84;
const RECORD = 50;
const RECORDS_AT_ONCE = 20_000;

/**
 * Reads the triangles; corners with equal coordinates become one point. Fields on cells: `normals` (C, 3) as in the file,
 * `attribute` where a binary file has any that is not 0, `solid` where an ascii file has several solids, whose names are the
 * texts `solids` of the field data.
 */
export function readStl(source: ByteSource, options: ReadOptions = {}): Mesh {
  const surface = new Surface();
  const count = source.size < HEADER ? undefined : Buffer.from(source.bytes(HEADER - 4, 4)).readUInt32LE(0);
  if (count !== undefined && source.size === HEADER + RECORD * count) readBinary(source, count, surface);
  else if (/^\s*solid/i.test(Buffer.from(source.bytes(0, Math.min(256, source.size))).toString("latin1")))
    readAscii(new Scanner(source), surface);
  else if (count === undefined)
    throw source.error(
      `expected "solid", or at least ${HEADER} bytes of a binary STL file, got ${source.size} bytes`,
      0,
    );
  else
    throw source.error(
      `expected ${HEADER + RECORD * count} bytes for the ${count} triangles of a binary STL file, got ${source.size}`,
      HEADER - 4,
    );
  return surface.mesh(options);
}

/** What both forms fill. */
class Surface {
  readonly points = new PointMerger();
  readonly connectivity = new GrowingArray(Int32Array);
  readonly normals = new GrowingArray(Float32Array);
  readonly attributes = new GrowingArray(Int32Array);
  readonly solids: string[] = [];
  readonly solid = new GrowingArray(Int32Array);
  hasAttributes = false;

  mesh(options: ReadOptions): Mesh {
    const points = this.points.finish();
    if (options.cells === false) return new Mesh({ points, cells: noCells() });
    const cells = uniformCells(this.connectivity.finish(), 3, CellType.TRIANGLE);
    const rows = cells.types.length;
    const cellData = new FieldMap();
    const fieldData = new FieldMap();
    if (wants(options, "normals")) cellData.set("normals", { values: this.normals.finish(), shape: [rows, 3] });
    if (this.hasAttributes && wants(options, "attribute"))
      cellData.set("attribute", { values: Uint16Array.from(this.attributes.finish()), shape: [rows] });
    if (this.solids.length > 1 && wants(options, "solid"))
      cellData.set("solid", { values: this.solid.finish(), shape: [rows] });
    if (this.solids.some((name) => name !== "") && wants(options, "solids")) fieldData.texts.set("solids", this.solids);
    return new Mesh({ points, cells, cellData, fieldData });
  }
}

function readBinary(source: ByteSource, count: number, surface: Surface): void {
  const bytes = new Uint8Array(RECORD * Math.min(count, RECORDS_AT_ONCE));
  const view = new DataView(bytes.buffer);
  for (let first = 0; first < count; first += RECORDS_AT_ONCE) {
    const records = Math.min(RECORDS_AT_ONCE, count - first);
    source.read(bytes.subarray(0, RECORD * records), HEADER + RECORD * first, "triangles");
    for (let at = 0; at < RECORD * records; at += RECORD) {
      for (let d = 0; d < 3; d++) surface.normals.push(view.getFloat32(at + 4 * d, true));
      for (let corner = at + 12; corner < at + 48; corner += 12) {
        const [x, y, z] = [
          view.getFloat32(corner, true),
          view.getFloat32(corner + 4, true),
          view.getFloat32(corner + 8, true),
        ];
        surface.connectivity.push(surface.points.add(x, y, z));
      }
      const attribute = view.getUint16(at + 48, true);
      surface.hasAttributes ||= attribute !== 0;
      surface.attributes.push(attribute);
    }
  }
}

function readAscii(scanner: Scanner, surface: Surface): void {
  const expect = (...words: string[]) => {
    for (const word of words) {
      scanner.skipSpace();
      const at = scanner.position;
      const got = scanner.word();
      if (got.toLowerCase() !== word) throw scanner.error(`expected ${words.join(" ")}, got ${show(got)}`, at);
    }
  };
  const vector = (what: string) => [scanner.number(what), scanner.number(what), scanner.number(what)] as const;
  for (;;) {
    scanner.skipSpace();
    if (scanner.isAtEnd) return;
    expect("solid");
    surface.solids.push((scanner.line() ?? "").trim());
    for (;;) {
      scanner.skipSpace();
      const at = scanner.position;
      const word = scanner.word().toLowerCase();
      if (word === "endsolid") {
        scanner.line();
        break;
      }
      if (word !== "facet") throw scanner.error(`expected facet or endsolid, got ${show(word)}`, at);
      expect("normal");
      for (const value of vector("3 numbers of a normal")) surface.normals.push(value);
      expect("outer", "loop");
      for (let corner = 0; corner < 3; corner++) {
        expect("vertex");
        surface.connectivity.push(surface.points.add(...vector("3 numbers of a vertex")));
      }
      expect("endloop");
      expect("endfacet");
      surface.solid.push(surface.solids.length - 1);
    }
  }
}

/**
 * Writes the surface as triangles with their normals, polygons as fans from their first corner. Coordinates become float32,
 * which is what the format has.
 *
 * @throws ValueError when the mesh has other cells than triangles, quads and polygons.
 */
export function writeStl(mesh: Mesh, sink: FileSink, options: WriteOptions = {}): void {
  const triangles = triangulate(mesh.cells);
  const normals = triangleNormals(mesh.points, triangles);
  if (options.encoding === "ascii") writeAscii(mesh, triangles, normals, sink);
  else writeBinary(mesh, triangles, normals, sink);
}

function writeBinary({ points }: Mesh, triangles: Int32Array, normals: Float32Array, sink: FileSink): void {
  const header = Buffer.alloc(HEADER);
  header.write("binary STL written by noether-ts");
  header.writeUInt32LE(triangles.length / 3, HEADER - 4);
  sink.write(header);
  const record = Buffer.alloc(RECORD);
  for (let i = 0; i < triangles.length; i += 3) {
    for (let d = 0; d < 3; d++) record.writeFloatLE(normals[i + d]!, 4 * d);
    for (let corner = 0; corner < 3; corner++) {
      for (let d = 0; d < 3; d++)
        record.writeFloatLE(points[3 * triangles[i + corner]! + d]!, 12 + 12 * corner + 4 * d);
    }
    sink.write(record);
  }
}

function writeAscii({ points }: Mesh, triangles: Int32Array, normals: Float32Array, sink: FileSink): void {
  const text = (values: ArrayLike<number>, row: number) =>
    [0, 1, 2].map((d) => float32Text(Math.fround(values[3 * row + d]!))).join(" ");
  sink.write("solid noether-ts\n");
  for (let i = 0; i < triangles.length; i += 3) {
    const corners = [0, 1, 2].map((corner) => `vertex ${text(points, triangles[i + corner]!)}\n`);
    sink.write(`facet normal ${text(normals, i / 3)}\nouter loop\n${corners.join("")}endloop\nendfacet\n`);
  }
  sink.write("endsolid noether-ts\n");
}
