/** Legacy VTK files of version 4.2, which every release of VTK and ParaView reads. */
import { ValueError } from "../../../config/python-errors";
import { HOST_IS_LITTLE_ENDIAN, bytesOf, numericType, rowsOf, swapBytes } from "../arrays";
import type { NumericType, TypedArray } from "../arrays";
import { CellType } from "../cell-types";
import { decimals } from "../decimals";
import type { FileSink } from "../file-sink";
import type { FieldMap, Mesh } from "../mesh";
import type { WriteOptions } from "../write-options";
import { faceStream } from "./polyhedra";

const NAMES: Readonly<Record<NumericType, string>> = {
  int8: "char",
  uint8: "unsigned_char",
  int16: "short",
  uint16: "unsigned_short",
  int32: "int",
  uint32: "unsigned_int",
  int64: "vtktypeint64",
  uint64: "vtktypeuint64",
  float32: "float",
  float64: "double",
};

/** Writes a regular grid as STRUCTURED_POINTS, everything else as UNSTRUCTURED_GRID. */
export function writeLegacyVtk(mesh: Mesh, sink: FileSink, options: WriteOptions = {}): void {
  const isAscii = options.encoding === "ascii";
  const write = (values: TypedArray, perLine: number) => {
    if (isAscii) for (const line of decimals(values, perLine)) sink.write(line);
    else {
      writeBigEndian(values, sink);
      sink.write("\n");
    }
  };
  sink.write(`# vtk DataFile Version 4.2\nwritten by noether-ts\n${isAscii ? "ASCII" : "BINARY"}\n`);
  if (mesh.image !== undefined) writeImage(mesh, sink);
  else {
    sink.write(`DATASET UNSTRUCTURED_GRID\nPOINTS ${mesh.numberOfPoints} ${NAMES[numericType(mesh.points)]}\n`);
    write(mesh.points, 3);
    const stream = cellStream(mesh);
    sink.write(`CELLS ${mesh.numberOfCells} ${stream.length}\n`);
    write(stream, 16);
    sink.write(`CELL_TYPES ${mesh.numberOfCells}\n`);
    write(Int32Array.from(mesh.cells.types), 16);
  }
  const writeFields = (fields: FieldMap) => {
    sink.write(`FIELD FieldData ${fields.size + fields.texts.size}\n`);
    for (const [name, array] of fields) {
      const { rows, components } = rowsOf(array);
      sink.write(`${encode(name)} ${components} ${rows} ${NAMES[numericType(array.values)]}\n`);
      write(array.values, components);
    }
    for (const [name, texts] of fields.texts) {
      if (!isAscii) throw new ValueError(`expected encoding: "ascii" for the texts "${name}" in a legacy .vtk file`);
      sink.write(`${encode(name)} 1 ${texts.length} string\n${texts.map((text) => `${encode(text)}\n`).join("")}`);
    }
  };
  if (mesh.fieldData.size + mesh.fieldData.texts.size > 0) writeFields(mesh.fieldData);
  for (const [keyword, fields, rows] of [
    ["POINT_DATA", mesh.pointData, mesh.numberOfPoints],
    ["CELL_DATA", mesh.cellData, mesh.numberOfCells],
  ] as const) {
    if (fields.size + fields.texts.size === 0) continue;
    sink.write(`${keyword} ${rows}\n`);
    writeFields(fields);
  }
}

function writeImage({ image }: Mesh, sink: FileSink): void {
  const { dimensions, origin, spacing, direction = [1, 0, 0, 0, 1, 0, 0, 0, 1] } = image!;
  if (direction.some((value, i) => value !== (i % 4 === 0 ? 1 : 0)))
    throw new ValueError(
      "expected a grid along x, y and z for a legacy .vtk file, got a turned one; write a .vti file",
    );
  sink.write(
    `DATASET STRUCTURED_POINTS\nDIMENSIONS ${dimensions.join(" ")}\nORIGIN ${origin.join(" ")}\nSPACING ${spacing.join(" ")}\n`,
  );
}

/** Each cell's points behind their number; polyhedra as streams of their faces. */
function cellStream({ cells }: Mesh): Int32Array {
  const { connectivity, offsets, types, faces } = cells;
  if (faces === undefined) {
    const stream = new Int32Array(types.length + connectivity.length);
    for (let cell = 0; cell < types.length; cell++) {
      const [start, end] = [offsets[cell]!, offsets[cell + 1]!];
      stream[start + cell] = end - start;
      for (let i = start; i < end; i++) stream[i + cell + 1] = connectivity[i]!;
    }
    return stream;
  }
  const parts: number[] = [];
  for (let cell = 0; cell < types.length; cell++) {
    const list =
      types[cell] === CellType.POLYHEDRON
        ? faceStream(faces, cell)
        : connectivity.subarray(offsets[cell], offsets[cell + 1]);
    parts.push(list.length, ...list);
  }
  return Int32Array.from(parts);
}

/** Some megabytes at a time, since the bytes are turned around in a copy. */
function writeBigEndian(values: TypedArray, sink: FileSink): void {
  const bytes = bytesOf(values);
  const chunk = 2 ** 22;
  for (let at = 0; at < bytes.length; at += chunk) {
    const part = bytes.slice(at, at + chunk);
    if (HOST_IS_LITTLE_ENDIAN) swapBytes(part, values.BYTES_PER_ELEMENT);
    sink.write(part);
  }
}

/** Names must not have white space. */
function encode(text: string): string {
  return text.replace(/[^!#$&-~]/g, (c) =>
    [...Buffer.from(c)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}
