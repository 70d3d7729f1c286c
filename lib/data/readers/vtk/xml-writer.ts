/** VTK XML files `.vtu`, `.vtp` and `.vti`: raw appended data with 64-bit headers, as VTK ≥ 6 reads them. */
import { deflateSync } from "node:zlib";
import { ValueError } from "../../../config/python-errors";
import { bytesOf, numericType, rowsOf, HOST_IS_LITTLE_ENDIAN, type NdArray, type TypedArray } from "../arrays";
import type { FileSink } from "../file-sink";
import type { FieldMap, Mesh } from "../mesh";
import type { WriteOptions } from "../write-options";
import { decimals } from "../decimals";
import { TYPES } from "./data-array";
import { faceStream } from "./polyhedra";
import { surfaceGroups, takeRows } from "./surface-cells";
import { escapeAttribute } from "./xml-document";

const NAME_OF_TYPE = new Map([...TYPES].map(([name, type]) => [type, name]));
/** Width that an offset into the appended data gets. */
const OFFSET_WIDTH = 20;
const BLOCK = 2 ** 16;

/** Writes the elements of one file, and the arrays behind them. */
class XmlWriter {
  readonly #arrays: { values: TypedArray; place: number }[] = [];

  constructor(
    private readonly sink: FileSink,
    private readonly options: WriteOptions,
  ) {}

  file(type: string, attributes: string, body: () => void): void {
    const compressor = this.options.compression === "zlib" ? ' compressor="vtkZLibDataCompressor"' : "";
    const order = HOST_IS_LITTLE_ENDIAN ? "LittleEndian" : "BigEndian";
    this.sink.write(
      `<?xml version="1.0"?>\n<VTKFile type="${type}" version="1.0" byte_order="${order}" header_type="UInt64"${compressor}>\n`,
    );
    this.element(type, attributes, body);
    this.#appended();
    this.sink.write("</VTKFile>\n");
  }

  element(name: string, attributes: string, body: () => void): void {
    this.sink.write(`<${name}${attributes === "" ? "" : ` ${attributes}`}>\n`);
    body();
    this.sink.write(`</${name}>\n`);
  }

  array(name: string, array: NdArray, attributes = ""): void {
    const { components } = rowsOf(array);
    const type = NAME_OF_TYPE.get(numericType(array.values))!;
    const width = components === 1 ? "" : ` NumberOfComponents="${components}"`;
    const head = `type="${type}" Name="${escapeAttribute(name)}"${width}${attributes}`;
    if (this.options.encoding === "ascii") {
      this.sink.write(`<DataArray ${head} format="ascii">\n`);
      this.#text(array.values);
      this.sink.write("</DataArray>\n");
      return;
    }
    this.sink.write(`<DataArray ${head} format="appended" offset=`);
    this.#arrays.push({ values: array.values, place: this.sink.position });
    this.sink.write(`${" ".repeat(OFFSET_WIDTH + 2)}/>\n`);
  }

  fields(name: string, fields: FieldMap, order?: Int32Array): void {
    if (fields.size === 0) return;
    this.element(name, "", () => {
      for (const [key, array] of fields) this.array(key, order === undefined ? array : takeRows(array, order));
    });
  }

  fieldData(fields: FieldMap): void {
    if (fields.size + fields.texts.size === 0) return;
    this.element("FieldData", "", () => {
      for (const [key, array] of fields) this.array(key, array, ` NumberOfTuples="${rowsOf(array).rows}"`);
      for (const [key, texts] of fields.texts) {
        const codes = [...Buffer.from(texts.map((text) => `${text}\0`).join(""))].join(" ");
        const head = `type="String" Name="${escapeAttribute(key)}" NumberOfTuples="${texts.length}"`;
        this.sink.write(`<Array ${head} format="ascii">\n${codes}\n</Array>\n`);
      }
    });
  }

  #text(values: TypedArray): void {
    for (const line of decimals(values, 12)) this.sink.write(line);
  }

  #appended(): void {
    if (this.#arrays.length === 0) return;
    this.sink.write('<AppendedData encoding="raw">\n_');
    const start = this.sink.position;
    for (const { values, place } of this.#arrays) {
      const offset = this.sink.position - start;
      if (this.options.compression === "zlib") this.#compressed(bytesOf(values));
      else {
        this.sink.write(words([values.byteLength]));
        this.sink.write(bytesOf(values));
      }
      this.sink.patch(`"${offset}"`, place);
    }
    this.sink.write("\n</AppendedData>\n");
  }

  #compressed(bytes: Uint8Array): void {
    const blocks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += BLOCK)
      blocks.push(deflateSync(bytes.subarray(at, at + BLOCK), { level: 5 }));
    this.sink.write(words([blocks.length, BLOCK, bytes.length % BLOCK, ...blocks.map((block) => block.length)]));
    for (const block of blocks) this.sink.write(block);
  }
}

/** Unstructured grid: cells of any type. */
export function writeVtu(mesh: Mesh, sink: FileSink, options: WriteOptions = {}): void {
  const { cells } = mesh;
  const writer = new XmlWriter(sink, options);
  writer.file("UnstructuredGrid", "", () => {
    writer.fieldData(mesh.fieldData);
    writer.element("Piece", `NumberOfPoints="${mesh.numberOfPoints}" NumberOfCells="${mesh.numberOfCells}"`, () => {
      writer.fields("PointData", mesh.pointData);
      writer.fields("CellData", mesh.cellData);
      writePoints(writer, mesh);
      writer.element("Cells", "", () => {
        writer.array("connectivity", flat(cells.connectivity));
        writer.array("offsets", flat(cells.offsets.subarray(1)));
        writer.array("types", flat(cells.types));
        if (cells.faces !== undefined) {
          const { streams, ends } = faceStreams(cells.faces);
          writer.array("faces", flat(streams));
          writer.array("faceoffsets", flat(ends));
        }
      });
    });
  });
}

/**
 * PolyData: points, lines and surfaces. VTK keeps their cells in groups, so fields on cells may come in another order.
 *
 * @throws ValueError when the mesh has cells of volumes.
 */
export function writeVtp(mesh: Mesh, sink: FileSink, options: WriteOptions = {}): void {
  const surface = surfaceGroups(mesh.cells);
  if (surface === undefined)
    throw new ValueError("expected cells of points, lines and surfaces for a .vtp file, got others; write a .vtu file");
  const writer = new XmlWriter(sink, options);
  const counts = surface.groups.map(({ name, offsets }) => `NumberOf${name}="${offsets.length - 1}"`).join(" ");
  writer.file("PolyData", "", () => {
    writer.fieldData(mesh.fieldData);
    writer.element("Piece", `NumberOfPoints="${mesh.numberOfPoints}" ${counts}`, () => {
      writer.fields("PointData", mesh.pointData);
      writer.fields("CellData", mesh.cellData, surface.order);
      writePoints(writer, mesh);
      for (const { name, connectivity, offsets } of surface.groups) {
        writer.element(name, "", () => {
          writer.array("connectivity", flat(connectivity));
          writer.array("offsets", flat(offsets.subarray(1)));
        });
      }
    });
  });
}

/**
 * A regular grid.
 *
 * @throws ValueError when the mesh is none.
 */
export function writeVti(mesh: Mesh, sink: FileSink, options: WriteOptions = {}): void {
  const { image } = mesh;
  if (image === undefined)
    throw new ValueError("expected a regular grid for a .vti file, got other points; write a .vtu file");
  const extent = image.dimensions.map((size) => `0 ${size - 1}`).join(" ");
  const direction = image.direction === undefined ? "" : ` Direction="${image.direction.join(" ")}"`;
  const place = `WholeExtent="${extent}" Origin="${image.origin.join(" ")}" Spacing="${image.spacing.join(" ")}"${direction}`;
  const writer = new XmlWriter(sink, options);
  writer.file("ImageData", place, () => {
    writer.fieldData(mesh.fieldData);
    writer.element("Piece", `Extent="${extent}"`, () => {
      writer.fields("PointData", mesh.pointData);
      writer.fields("CellData", mesh.cellData);
    });
  });
}

function writePoints(writer: XmlWriter, mesh: Mesh): void {
  writer.element("Points", "", () => writer.array("Points", { values: mesh.points, shape: [mesh.numberOfPoints, 3] }));
}

function flat(values: TypedArray): NdArray {
  return { values, shape: [values.length] };
}

/** The face streams of all polyhedra, and where each cell's ends; -1 for other cells. */
function faceStreams(faces: NonNullable<Mesh["cells"]["faces"]>): { streams: Int32Array; ends: Int32Array } {
  const { connectivity, offsets, cellOffsets } = faces;
  const ends = new Int32Array(cellOffsets.length - 1).fill(-1);
  const polyhedra = cellOffsets.filter((end, i) => i > 0 && end > cellOffsets[i - 1]!).length;
  const streams = new Int32Array(polyhedra + (offsets.length - 1) + connectivity.length);
  let at = 0;
  for (let cell = 0; cell < ends.length; cell++) {
    if (cellOffsets[cell] === cellOffsets[cell + 1]) continue;
    const stream = faceStream(faces, cell);
    streams.set(stream, at);
    ends[cell] = at += stream.length;
  }
  return { streams, ends };
}

function words(values: readonly number[]): Uint8Array {
  return bytesOf(BigUint64Array.from(values, BigInt));
}
