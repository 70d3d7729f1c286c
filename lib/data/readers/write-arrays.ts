/** Named arrays to files: `.npz` and `.csv`. */
import { extname } from "node:path";
import { crc32 } from "node:zlib";
import { ValueError } from "../../config/python-errors";
import { ZipLayout } from "../../torch/serialization/zip/writer";
import { rowsOf, type NdArray } from "./arrays";
import { writeFileWhole, type FileSink } from "./file-sink";
import { npyBytes } from "./npy";

/**
 * Writes arrays by name: `.npz` (stored, little-endian), or `.csv` with a column for each channel (`velocity_0`, `velocity_1`), which
 * needs arrays of equally many rows. The file appears when it is complete.
 *
 * @throws ValueError for another ending, and for arrays that a table cannot hold; FileNotFoundError when the folder does not exist
 */
export async function writeArrays(arrays: ReadonlyMap<string, NdArray>, path: string): Promise<void> {
  const extension = extname(path).toLowerCase();
  if (extension !== ".npz" && extension !== ".csv")
    throw new ValueError(`${path}: expected a name with the ending .npz or .csv, got ${extension || "none"}`);
  const write = extension === ".npz" ? writeNpz : writeCsv;
  return Promise.resolve(writeFileWhole(path, (sink) => write(arrays, sink)));
}

function writeNpz(arrays: ReadonlyMap<string, NdArray>, sink: FileSink): void {
  const layout = new ZipLayout();
  for (const [name, array] of arrays) {
    const [header, data] = npyBytes(array);
    sink.write(layout.begin(`${name}.npy`, header.length + data.length));
    sink.write(header);
    sink.write(data);
    sink.write(layout.end(crc32(data, crc32(header))));
  }
  sink.write(layout.finish());
}

/** Decimals that tell any two float32 apart, and for other types all that they have. */
const textOf = (value: number | bigint, isFloat32: boolean): string =>
  isFloat32 && Number.isFinite(value) ? String(Number((value as number).toPrecision(9))) : String(value);

function writeCsv(arrays: ReadonlyMap<string, NdArray>, sink: FileSink): void {
  const [first] = arrays;
  const rows = first === undefined ? 0 : rowsOf(first[1]).rows;
  const columns: { values: NdArray["values"]; stride: number; offset: number; isFloat32: boolean }[] = [];
  const names: string[] = [];
  for (const [name, array] of arrays) {
    const size = rowsOf(array);
    if (size.rows !== rows)
      throw new ValueError(
        `expected arrays of equally many rows in a table, got ${rows} in "${first![0]}" and ${size.rows} in "${name}"; write a .npz file`,
      );
    for (let offset = 0; offset < size.components; offset++) {
      names.push(size.components === 1 ? name : `${name}_${offset}`);
      const { values } = array;
      columns.push({ values, stride: size.components, offset, isFloat32: values instanceof Float32Array });
    }
  }
  sink.write(`${names.map(quoted).join(",")}\n`);
  for (let row = 0; row < rows; row++) {
    const cells = columns.map(({ values, stride, offset, isFloat32 }) =>
      textOf(values[row * stride + offset]!, isFloat32),
    );
    sink.write(`${cells.join(",")}\n`);
  }
}

function quoted(name: string): string {
  return /[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
