/** Files larger than memory: of what is not wanted, nothing is read. And files that change while they are read. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileFormatError, type Mesh, type ReadOptions } from "../../../lib/data/readers";
import { ByteSource, openFile } from "../../../lib/data/readers/byte-source";
import { readLegacyVtk } from "../../../lib/data/readers/vtk/legacy-reader";
import { readVtkXml } from "../../../lib/data/readers/vtk/xml-reader";

const GIB = 2 ** 30;

/** A file with some parts, and zeros between them, of any size: it counts what is read. */
class HugeSource extends ByteSource {
  bytesRead = 0;

  constructor(
    size: number,
    private readonly parts: readonly { at: number; bytes: Uint8Array }[],
  ) {
    super("huge", size);
  }

  protected readSome(target: Uint8Array, position: number): number {
    target.fill(0);
    for (const { at, bytes } of this.parts) {
      const [from, to] = [Math.max(at, position), Math.min(at + bytes.length, position + target.length)];
      if (from < to) target.set(bytes.subarray(from - at, to - at), from - position);
    }
    this.bytesRead += target.length;
    return target.length;
  }
}

const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer);
const sizeWord = (size: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(size)).buffer);
const swapped = (values: Float32Array): Uint8Array => Buffer.from(bytesOf(values).slice()).swap32();
const points = Float32Array.of(0, 0, 0, 1, 2, 3);
const pressure = Float32Array.of(5, 7);

/** Reads with a bound on the memory that is taken. */
function read(source: HugeSource, reader: (source: ByteSource, options: ReadOptions) => Mesh): Mesh {
  const before = process.memoryUsage().arrayBuffers;
  const mesh = reader(source, { fields: ["p"], cells: false });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20);
  return mesh;
}

function expectWanted(mesh: Mesh): void {
  expect([...mesh.points]).toEqual([...points]);
  expect([...mesh.pointData.field("p").values]).toEqual([...pressure]);
  expect([...mesh.pointData.keys(), ...mesh.fieldData.keys()]).toEqual(["p"]);
}

test("one field of a .vtu file of 64 GiB: a few megabytes are read", () => {
  const array = (name: string, offset: number, components = 1): string =>
    `<DataArray type="Float32" Name="${name}" NumberOfComponents="${components}" format="appended" offset="${offset}"/>`;
  const head = Buffer.from(
    `<VTKFile type="UnstructuredGrid" byte_order="LittleEndian" header_type="UInt64"><UnstructuredGrid>` +
      `<FieldData><DataArray type="Float32" Name="history" NumberOfTuples="${8 * GIB}" format="appended" offset="100"/></FieldData>` +
      `<Piece NumberOfPoints="2" NumberOfCells="0"><Points>${array("Points", 0, 3)}</Points>` +
      `<PointData>${array("p", 60 * GIB)}${array("q", 61 * GIB)}</PointData></Piece>` +
      `</UnstructuredGrid><AppendedData encoding="raw">_`,
  );
  const data = head.length;
  const source = new HugeSource(64 * GIB, [
    { at: 0, bytes: head },
    { at: data, bytes: sizeWord(24) },
    { at: data + 8, bytes: bytesOf(points) },
    { at: data + 100, bytes: sizeWord(32 * GIB) },
    { at: data + 60 * GIB, bytes: sizeWord(8) },
    { at: data + 60 * GIB + 8, bytes: bytesOf(pressure) },
    { at: data + 61 * GIB, bytes: sizeWord(8) },
    { at: 64 * GIB - 40, bytes: Buffer.from("</AppendedData></VTKFile>") },
  ]);
  expectWanted(read(source, readVtkXml));
  expect(source.bytesRead).toBeLessThan(8 * 2 ** 20);
});

test("one field of a binary .vtk file of 40 GiB: what is between the fields is passed over", () => {
  const first = Buffer.concat([
    Buffer.from("# vtk DataFile Version 3.0\nhuge\nBINARY\nDATASET UNSTRUCTURED_GRID\nPOINTS 2 float\n"),
    swapped(points),
    Buffer.from(`\nFIELD FieldData 1\nhistory 1 ${10 * GIB} float\n`),
  ]);
  const second = Buffer.concat([
    Buffer.from("\nPOINT_DATA 2\nSCALARS q float 1\nLOOKUP_TABLE default\n"),
    swapped(Float32Array.of(8, 9)),
    Buffer.from("\nSCALARS p float 1\nLOOKUP_TABLE default\n"),
    swapped(pressure),
    Buffer.from("\n"),
  ]);
  const at = first.length + 40 * GIB;
  const source = new HugeSource(at + second.length, [
    { at: 0, bytes: first },
    { at, bytes: second },
  ]);
  expectWanted(read(source, readLegacyVtk));
  expect(source.bytesRead).toBeLessThan(8 * 2 ** 20);
});

test("a file that becomes shorter while it is read", () => {
  const folder = mkdtempSync(join(tmpdir(), "noether-partial-"));
  const path = join(folder, "a.vtk");
  writeFileSync(path, new Uint8Array(4096));
  const source = openFile(path);
  try {
    truncateSync(path, 100);
    expect(() => source.bytes(0, 4096)).toThrow(FileFormatError);
    expect(() => source.bytes(0, 4096)).toThrow("expected 4096 bytes of data, got 100");
  } finally {
    source.close();
    rmSync(folder, { recursive: true });
  }
});
