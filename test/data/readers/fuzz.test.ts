/**
 * Mutated files through every reader: each gives a mesh that can be used, or one typed error, and takes memory in proportion to
 * the file. NOETHER_FUZZ sets the number of files (default 5,000), NOETHER_FUZZ_SEED the stream.
 */
import { FileFormatError, type Mesh } from "../../../lib/data/readers";
import { bytesPerElement, createArray, type NumericType, type TypedArray } from "../../../lib/data/readers/arrays";
import type { CgnsNode } from "../../../lib/data/readers/cgns/node";
import { readTree } from "../../../lib/data/readers/cgns/reader";
import { bytesSource, type ByteSource } from "../../../lib/data/readers/byte-source";
import { readCsv } from "../../../lib/data/readers/csv";
import { readNpy, readNpz } from "../../../lib/data/readers/npy";
import { readObj } from "../../../lib/data/readers/obj";
import { cellsOf } from "../../../lib/data/readers/openfoam/cell-shapes";
import { readField } from "../../../lib/data/readers/openfoam/fields";
import { FoamFile } from "../../../lib/data/readers/openfoam/foam-file";
import { cellGeometry } from "../../../lib/data/readers/openfoam/geometry";
import { readPolyMesh } from "../../../lib/data/readers/openfoam/poly-mesh";
import { readPly } from "../../../lib/data/readers/ply";
import { readStl } from "../../../lib/data/readers/stl";
import { readPvdTimes, readVtm } from "../../../lib/data/readers/vtk/collections";
import { readLegacyVtk } from "../../../lib/data/readers/vtk/legacy-reader";
import { readVtkXml } from "../../../lib/data/readers/vtk/xml-reader";
import { mutate, randomFrom, type Random } from "../../torch/serialization/fuzz/mutations";
import { readFixture } from "./support";

const FILES = Number(process.env.NOETHER_FUZZ ?? 5_000);
const SEED = Number(process.env.NOETHER_FUZZ_SEED ?? 1);
/** A file of a few kilobytes may inflate to a thousand times as much, and be read more than once. */
const MOST_MEMORY = 48 * 2 ** 20;
jest.setTimeout(60 * 60_000);

const bytesOf = (files: Record<string, { bytes: string }>, pattern: RegExp) =>
  Object.entries(files)
    .filter(([name]) => pattern.test(name))
    .map(([, { bytes }]) => Buffer.from(bytes, "base64"));
const vtk = readFixture<{ files: Record<string, { bytes: string }> }>("vtk.json.gz").files;
const surfaces = readFixture<Record<string, { bytes: string }>>("surfaces.json.gz");
const cases = readFixture<Record<string, { files: Record<string, string> }>>("openfoam.json.gz");
const pick = <T>(list: readonly T[], random: Random): T => list[random.below(list.length)]!;

/** Uses all that a mesh holds, if it is no regular grid of a size that nothing in the file stands for. */
function touch(mesh: Mesh): void {
  if (mesh.numberOfPoints > 200_000) return;
  const { connectivity, offsets } = mesh.cells;
  let sum = mesh.points.length;
  for (const point of connectivity) sum += mesh.points[3 * point + 2]!;
  for (let cell = 1; cell < offsets.length; cell++)
    sum += connectivity.subarray(offsets[cell - 1], offsets[cell]).length;
  for (const map of [mesh.pointData, mesh.cellData, mesh.fieldData])
    for (const { values } of map.values()) sum += values.length;
  for (const block of mesh.blocks.values()) touch(block);
  if (typeof sum !== "number") throw new Error("expected numbers");
}

/** Numbers in text that counts break at, put in the place of one. */
const NUMBERS = [
  "0",
  "-1",
  "1",
  "255",
  "2147483647",
  "2147483648",
  "4294967295",
  "1e9",
  "99999999999",
  "9007199254740993",
  "-9223372036854775808",
  "1e400",
  "nan",
  "0.5",
  "",
];
function mutateNumber(bytes: Buffer, random: Random): Buffer {
  const start = random.below(bytes.length);
  const isDigit = (at: number) => at < bytes.length && bytes[at]! >= 48 && bytes[at]! <= 57;
  let from = start;
  while (from < bytes.length && !isDigit(from)) from++;
  let to = from;
  while (isDigit(to)) to++;
  return Buffer.concat([bytes.subarray(0, from), Buffer.from(pick(NUMBERS, random)), bytes.subarray(to)]);
}

const outcomes = { read: 0, refused: 0 };

/** Runs `share` of the files: makes one out of a seed, reads it, and lets only typed errors pass. */
function fuzz(
  share: number,
  salt: number,
  seeds: readonly Buffer[],
  read: (source: ByteSource, random: Random) => void,
): void {
  for (let i = 0; i < Math.ceil(FILES * share); i++) {
    const random = randomFrom(SEED * 1_000_003 + salt * 100_000_007 + i);
    const original = pick(seeds, random);
    const bytes = random.below(3) === 0 ? mutateNumber(original, random) : mutate(original, random, seeds);
    const before = process.memoryUsage().arrayBuffers;
    try {
      read(bytesSource(bytes, "mutated"), random);
      outcomes.read++;
    } catch (error) {
      if (!(error instanceof FileFormatError))
        throw new Error(`expected a FileFormatError for file ${i} of seed ${SEED}, got ${String(error)}`, {
          cause: error,
        });
      outcomes.refused++;
    }
    const taken = process.memoryUsage().arrayBuffers - before;
    if (taken > MOST_MEMORY)
      throw new Error(
        `expected at most ${MOST_MEMORY} bytes for file ${i} of seed ${SEED} (${bytes.length} bytes), got ${taken}`,
      );
  }
}

test("VTK XML", () => fuzz(0.3, 1, bytesOf(vtk, /\.vt[upirs]$/), (source) => touch(readVtkXml(source))));
test("legacy VTK", () => fuzz(0.2, 2, bytesOf(vtk, /\.vtk$/), (source) => touch(readLegacyVtk(source))));
test("collections", () => {
  const vtm =
    '<?xml version="1.0"?>\n<VTKFile type="vtkMultiBlockDataSet" version="1.0"><vtkMultiBlockDataSet><Block index="0" name="a &amp; b"><DataSet index="0" file="a/b.vtu"/></Block></vtkMultiBlockDataSet></VTKFile>';
  const pvd =
    '<VTKFile type="Collection"><Collection><!-- steps --><DataSet timestep="0.5" part="0" file="a.vtu"/></Collection></VTKFile>';
  fuzz(0.05, 3, [Buffer.from(vtm)], (source) =>
    readVtm(source, () => {
      throw source.error("expected no other file");
    }),
  );
  fuzz(0.05, 4, [Buffer.from(pvd)], (source) => void readPvdTimes(source));
});
test.each([
  [".stl", readStl],
  [".ply", readPly],
  [".obj", readObj],
])("%s", (extension, read) => {
  const seeds = bytesOf(surfaces, new RegExp(`\\${extension}$`));
  fuzz(0.08, 5 + extension.charCodeAt(1), seeds, (source) => touch(read(source)));
});

test("NumPy's arrays and tables", () => {
  const arrays = readFixture<Record<string, { bytes: string }>>("arrays.json.gz");
  fuzz(0.05, 200, bytesOf(arrays, /\.npy$/), (source) => void readNpy(source));
  fuzz(0.05, 201, bytesOf(arrays, /\.npz$/), (source) => void readNpz(source));
  fuzz(
    0.05,
    202,
    [...bytesOf(arrays, /\.(csv|dat)$/), Buffer.from('a,"b c",d\n1,"x ""y""",3\n')],
    (source) => void readCsv(source),
  );
});

describe("OpenFOAM", () => {
  const files = Object.values(cases).flatMap(({ files }) => Object.entries(files));
  const named = (pattern: RegExp) =>
    files.filter(([path]) => pattern.test(path)).map(([, bytes]) => Buffer.from(bytes, "base64"));
  const meshFile = (name: string, file: string) =>
    bytesSource(Buffer.from(cases[name]!.files[`constant/polyMesh/${file}`]!, "base64"));
  const NAMES = ["points", "faces", "owner", "neighbour", "boundary"] as const;
  const sources = (name: string) => ({
    points: meshFile(name, "points"),
    faces: meshFile(name, "faces"),
    owner: meshFile(name, "owner"),
    neighbour: meshFile(name, "neighbour"),
    boundary: meshFile(name, "boundary"),
  });

  test.each(NAMES)("%s", (file) => {
    fuzz(0.06, 20 + NAMES.indexOf(file), named(new RegExp(`polyMesh/${file}$`)), (source, random) => {
      const name = pick(["cavity", "cavity-binary", "mixed", "refined-ascii"], random);
      const mesh = readPolyMesh({ ...sources(name), [file]: source });
      const { connectivity } = cellsOf(mesh);
      if (connectivity.some((point) => mesh.points[3 * point] === undefined))
        throw new Error("expected points that exist");
      cellGeometry(mesh);
    });
  });
  test("fields and dictionaries", () => {
    const mesh = readPolyMesh(sources("cavity"));
    fuzz(0.2, 30, named(/^[\d.]+\/[A-Za-z]+$/), (source) => {
      const file = new FoamFile(source);
      if (file.className === "volScalarField" || file.className === "volVectorField") readField(file, mesh);
      else file.dictionary();
    });
  });
});

/** A node of a CGNS file, as the fixture has it. */
interface StoredNode {
  name: string;
  label: string;
  children: StoredNode[];
  dtype?: NumericType;
  shape?: number[];
  data?: string;
}

test("CGNS: nodes that are gone, called otherwise, or have other data", () => {
  const trees = Object.values(readFixture<Record<string, { tree: StoredNode }>>("cgns.json.gz")).map(
    ({ tree }) => tree,
  );
  const LABELS = [
    "Zone_t",
    "DataArray_t",
    "Elements_t",
    "FlowSolution_t",
    "BC_t",
    "ZoneBC_t",
    "Rind_t",
    "IndexRange_t",
  ];
  for (let i = 0; i < Math.ceil(FILES * 0.3); i++) {
    const random = randomFrom(SEED * 1_000_003 + 900 * 100_000_007 + i);
    const changes = 1 + random.below(3);
    const tree = pick(trees, random);
    const count = countNodes(tree);
    const changed = new Set(Array.from({ length: changes }, () => random.below(count)));
    let number = 0;
    const build = (stored: StoredNode): CgnsNode[] => {
      const isChanged = changed.has(number++);
      const children = stored.children.flatMap(build);
      let { name, label } = stored;
      let data = stored.data === undefined ? undefined : storedData(stored);
      if (isChanged) {
        const way = random.below(8);
        if (way === 0) return [];
        else if (way === 1) label = pick(LABELS, random);
        else if (way === 2) name = `${name}x`;
        else if (way === 3) data = undefined;
        else if (way === 4) data = data?.slice(0, random.below(data.length + 1)) as TypedArray | undefined;
        else if (data !== undefined && data.length > 0)
          (data as Float64Array)[random.below(data.length)] = Number(pick(NUMBERS, random)) as never;
      }
      return [{ name, label, children, shape: data && [data.length], data: () => data }];
    };
    const before = process.memoryUsage().arrayBuffers;
    try {
      touch(readTree(build(tree)[0] ?? EMPTY, "mutated.cgns", {}));
      outcomes.read++;
    } catch (error) {
      if (!(error instanceof FileFormatError))
        throw new Error(`expected a FileFormatError for tree ${i} of seed ${SEED}, got ${String(error)}`, {
          cause: error,
        });
      outcomes.refused++;
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MOST_MEMORY);
  }
});

const EMPTY: CgnsNode = { name: "", label: "", children: [], shape: undefined, data: () => undefined };

function countNodes({ children }: StoredNode): number {
  return children.reduce((sum, child) => sum + countNodes(child), 1);
}

function storedData({ dtype, data }: StoredNode): TypedArray {
  const bytes = Uint8Array.from(Buffer.from(data!, "base64"));
  const values = createArray(dtype!, bytes.length / bytesPerElement(dtype!));
  new Uint8Array(values.buffer).set(bytes);
  if (values instanceof BigInt64Array) return Float64Array.from(values, Number);
  return values;
}

afterAll(() => {
  // both must happen, or the mutations are too weak or too strong
  expect(outcomes.read).toBeGreaterThan(FILES / 50);
  expect(outcomes.refused).toBeGreaterThan(FILES / 50);
  if (process.env.NOETHER_FUZZ !== undefined)
    console.log(`${outcomes.read + outcomes.refused} files: ${outcomes.read} read, ${outcomes.refused} refused`);
});
