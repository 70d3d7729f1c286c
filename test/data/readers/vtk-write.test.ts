/** What is written here, read again: the values that VTK found in the files that the meshes came from. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { FileNotFoundError, ValueError } from "../../../lib/config/python-errors";
import { FieldMap, FileFormatError, Mesh, readMesh, writeMesh, type WriteOptions } from "../../../lib/data/readers";
import { bytesSource } from "../../../lib/data/readers/byte-source";
import { readVtkXml } from "../../../lib/data/readers/vtk/xml-reader";
import { describeMesh, readFixture } from "./support";

const { files } = readFixture<{ files: Record<string, { bytes: string }> }>("vtk.json.gz");
const folder = mkdtempSync(join(tmpdir(), "noether-vtk-"));
afterAll(() => rmSync(folder, { recursive: true }));

const fixture = (name: string) => readVtkXml(bytesSource(Buffer.from(files[name]!.bytes, "base64"), name));

describe.each<[string, WriteOptions]>([
  ["raw", {}],
  ["zlib", { compression: "zlib" }],
  ["ascii", { encoding: "ascii" }],
])("%s", (_, options) => {
  test.each([
    ["mixed-raw.vtu", "a.vtu"],
    ["polyhedra-raw-64-big.vtu", "a.vtu"],
    ["surface-raw.vtp", "a.vtp"],
    ["surface-raw.vtp", "a.vtu"],
    ["image-raw-64-big.vti", "a.vti"],
    ["turned-raw-64-big.vti", "a.vti"],
    ["empty-raw.vtu", "a.vtu"],
    ["mixed-raw.vtu", "a.vtk"],
    ["polyhedra-raw-64-big.vtu", "a.vtk"],
    ["image-raw-64-big.vti", "a.vtk"],
  ])("%s as %s", async (name, target) => {
    const mesh = fixture(name);
    // a legacy file has texts in ascii form only, and no compression
    const legacy = extname(target) === ".vtk";
    if (legacy && options.encoding !== "ascii") mesh.fieldData.texts.clear();
    if (legacy && options.compression) return;
    const path = join(folder, target);
    await writeMesh(mesh, path, options);
    expect(describeMesh(await readMesh(path))).toEqual(describeMesh(mesh));
    expect(readdirSync(folder).filter((file) => file.endsWith(".tmp"))).toEqual([]);
  });
});

describe("collections", () => {
  test("blocks by name", async () => {
    const mesh = fixture("mixed-raw.vtu").with({ blocks: new Map([["wing & <tip>", fixture("surface-raw.vtp")]]) });
    await writeMesh(mesh, join(folder, "all.vtm"));
    const read = await readMesh(join(folder, "all.vtm"));
    expect([...read.blocks.keys()]).toEqual(["internalMesh", "wing & <tip>"]);
    expect(describeMesh(read.block("wing & <tip>"))).toEqual(describeMesh(fixture("surface-raw.vtp")));
    expect(() => read.block("tail")).toThrow('expected a block "tail", got "internalMesh", "wing & <tip>"');
  });
  test("steps in time", async () => {
    const write = (name: string, value: number) =>
      writeMesh(
        new Mesh({
          points: new Float32Array(3),
          pointData: new FieldMap([["p", { values: new Float32Array([value]), shape: [1] }]]),
        }),
        join(folder, name),
      );
    await write("p0.vtu", 1);
    await write("p1.vtu", 2);
    const path = join(folder, "p.pvd");
    writeFileSync(
      path,
      `<VTKFile type="Collection"><Collection><DataSet timestep="0.5" part="0" file="p1.vtu"/><DataSet timestep="0.25" part="0" file="p0.vtu"/></Collection></VTKFile>`,
    );
    const pressure = async (time?: number | "first") => [
      ...(await readMesh(path, { time })).pointData.field("p").values,
    ];
    expect(await pressure()).toEqual([2]);
    expect(await pressure("first")).toEqual([1]);
    expect(await pressure(0.25)).toEqual([1]);
    expect((await readMesh(path)).time).toBe(0.5);
    await expect(pressure(0.3)).rejects.toThrow("expected a step of the time 0.3, got 2 steps from 0.25 to 0.5");
  });
  test("one that names itself", async () => {
    const path = join(folder, "loop.vtm");
    writeFileSync(
      path,
      '<VTKFile type="vtkMultiBlockDataSet"><vtkMultiBlockDataSet><DataSet name="a" file="loop.vtm"/></vtkMultiBlockDataSet></VTKFile>',
    );
    await expect(readMesh(path)).rejects.toThrow("at most 16 collections inside each other");
  });
  test("a file that is missing", async () => {
    const path = join(folder, "gone.vtm");
    writeFileSync(
      path,
      '<VTKFile type="vtkMultiBlockDataSet"><vtkMultiBlockDataSet><DataSet name="a" file="none.vtu"/></vtkMultiBlockDataSet></VTKFile>',
    );
    await expect(readMesh(path)).rejects.toThrow(FileNotFoundError);
  });
  test("pieces become one mesh", () => {
    const mesh = fixture("mixed-raw.vtu");
    const text = (points: string, connectivity: string) =>
      `<Piece NumberOfPoints="3" NumberOfCells="1"><Points><DataArray type="Float32" NumberOfComponents="3">${points}</DataArray></Points>
       <Cells><DataArray type="Int32" Name="connectivity">${connectivity}</DataArray><DataArray type="Int32" Name="offsets">3</DataArray>
       <DataArray type="UInt8" Name="types">5</DataArray></Cells></Piece>`;
    const bytes = Buffer.from(
      `<VTKFile type="UnstructuredGrid"><UnstructuredGrid>${text("0 0 0 1 0 0 0 1 0", "0 1 2")}${text("5 0 0 6 0 0 5 1 0", "2 1 0")}</UnstructuredGrid></VTKFile>`,
    );
    const { cells, points } = readVtkXml(bytesSource(bytes));
    expect([...cells.connectivity]).toEqual([0, 1, 2, 5, 4, 3]);
    expect([...cells.offsets]).toEqual([0, 3, 6]);
    expect([...points.slice(9, 12)]).toEqual([5, 0, 0]);
    expect(mesh.numberOfCells).toBe(11);
  });
});

describe("options", () => {
  test("only some fields", async () => {
    const path = join(folder, "fields.vtu");
    await writeMesh(fixture("mixed-raw.vtu"), path);
    const mesh = await readMesh(path, { fields: ["U", "region"] });
    expect([[...mesh.pointData.keys()], [...mesh.cellData.keys()]]).toEqual([["U"], ["region"]]);
    await expect(readMesh(path, { fields: ["V"] })).rejects.toThrow('expected the fields "V", got none of that name');
  });
  test("without cells", async () => {
    const path = join(folder, "cloud.vtu");
    await writeMesh(fixture("mixed-raw.vtu"), path);
    const mesh = await readMesh(path, { cells: false });
    expect([mesh.numberOfPoints, mesh.numberOfCells, mesh.cellData.size, mesh.pointData.size]).toEqual([12, 0, 0, 3]);
  });
  test("unknown ones are refused", async () => {
    await expect(readMesh("a.vtu", { field: ["U"] } as never)).rejects.toThrow(
      'unknown option "field", did you mean "fields"?',
    );
    await expect(writeMesh(new Mesh(), "a.vtu", { compression: "gzip" } as never)).rejects.toThrow(TypeError);
  });
});

describe("what cannot be written", () => {
  const path = (name: string) => join(folder, name);
  test("volumes as .vtp", async () => {
    await expect(writeMesh(fixture("mixed-raw.vtu"), path("no.vtp"))).rejects.toThrow(ValueError);
    expect(readdirSync(folder)).not.toContain("no.vtp");
  });
  test("points that are no grid as .vti", async () => {
    await expect(writeMesh(fixture("mixed-raw.vtu"), path("no.vti"))).rejects.toThrow("expected a regular grid");
  });
  test("blocks in a file for one mesh", async () => {
    const mesh = new Mesh({ blocks: new Map([["inlet", new Mesh()]]) });
    await expect(writeMesh(mesh, path("no.vtu"))).rejects.toThrow(
      "expected a mesh without blocks, got the blocks inlet",
    );
  });
  test("a format without a writer, a folder that is missing", async () => {
    await expect(writeMesh(new Mesh(), path("no.xyz"))).rejects.toThrow("expected a name with one of the endings .vtu");
    await expect(writeMesh(new Mesh(), path("gone/no.vtu"))).rejects.toThrow(FileNotFoundError);
  });
  test("the previous file stays when writing fails", async () => {
    writeFileSync(path("kept.vtp"), "before");
    await expect(writeMesh(fixture("mixed-raw.vtu"), path("kept.vtp"))).rejects.toThrow(ValueError);
    expect(readFileSync(path("kept.vtp"), "utf8")).toBe("before");
  });
});

describe("what cannot be read", () => {
  const read = (text: string) => () => readVtkXml(bytesSource(Buffer.from(text), "wing.vtu"));
  const grid = (inner: string, attributes = "") =>
    read(
      `<VTKFile type="UnstructuredGrid"${attributes}><UnstructuredGrid><Piece NumberOfPoints="1" NumberOfCells="0">${inner}</Piece></UnstructuredGrid></VTKFile>`,
    );
  test.each<[string, () => unknown, string]>([
    ["another file", read("hello"), "wing.vtu:1: expected an XML element, got other text"],
    ["no end", read("<VTKFile>"), "wing.vtu: expected </VTKFile>, got the end of the file (byte 9)"],
    [
      "another dataset",
      read('<VTKFile type="Table"/>'),
      'expected one of the types UnstructuredGrid, PolyData, ImageData, RectilinearGrid, StructuredGrid, got "Table"',
    ],
    [
      "compressor",
      grid("", ' compressor="vtkLZMADataCompressor"'),
      'expected vtkZLibDataCompressor, vtkLZ4DataCompressor or no compressor, got "vtkLZMADataCompressor"',
    ],
    ["points", grid(""), "expected an array of 1 points, got none (byte 51)"],
    [
      "few numbers",
      grid('<Points><DataArray type="Float32" NumberOfComponents="3">1 2</DataArray></Points>'),
      "expected 3 numbers in DataArray: 3 need at least 6 bytes, got 3",
    ],
    [
      "no number",
      grid('<Points><DataArray type="Float32" NumberOfComponents="3">1 2 three</DataArray></Points>'),
      'wing.vtu:1: expected 3 numbers in DataArray, got "three"',
    ],
    [
      "many numbers",
      grid('<Points><DataArray type="Float32" NumberOfComponents="3">1 2 3 4</DataArray></Points>'),
      "expected 3 values in DataArray, got more",
    ],
    [
      "type",
      grid('<Points><DataArray type="constructor">1 2 3 4</DataArray></Points>'),
      "expected one of the types Int8",
    ],
  ])("%s", (_, body, message) => {
    expect(body).toThrow(FileFormatError);
    expect(body).toThrow(message);
  });
  test("a name without a reader", () =>
    expect(readMesh("a.step")).rejects.toThrow("expected a name with one of the endings"));
  test("a file that is missing", () => expect(readMesh(join(folder, "none.vtu"))).rejects.toThrow(FileNotFoundError));
  test("a folder", () => {
    mkdirSync(join(folder, "folder.vtu"));
    return expect(readMesh(join(folder, "folder.vtu"))).rejects.toThrow("expected a file, got a folder");
  });
});
