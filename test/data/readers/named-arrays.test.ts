/** Files of arrays against what NumPy wrote (fixtures/make_arrays.py). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileFormatError, readArrays, readTable, writeArray, type NdArray } from "../../../lib/data/readers";
import { bytesSource } from "../../../lib/data/readers/byte-source";
import { readCsv } from "../../../lib/data/readers/csv";
import { readNpy, readNpz } from "../../../lib/data/readers/npy";
import { describeArray, readFixture, type DescribedArray } from "./support";

const files = readFixture<Record<string, { bytes: string; arrays: Record<string, DescribedArray> }>>("arrays.json.gz");
const folder = mkdtempSync(join(tmpdir(), "noether-arrays-"));
afterAll(() => rmSync(folder, { recursive: true }));
const bytesOf = (name: string) => Buffer.from(files[name]!.bytes, "base64");

test.each(Object.keys(files))("%s", async (name) => {
  writeFileSync(join(folder, name), bytesOf(name));
  const arrays = await readArrays(join(folder, name));
  expect(Object.fromEntries([...arrays].map(([key, array]) => [key, describeArray(array)]))).toEqual(
    files[name]!.arrays,
  );
});

test("only some arrays", async () => {
  const path = join(folder, "some.npz");
  writeFileSync(path, bytesOf("deflated.npz"));
  expect([...(await readArrays(path, { names: ["i8"] })).keys()]).toEqual(["i8"]);
  await expect(readArrays(path, { names: ["i8", "no"] })).rejects.toThrow("expected the arrays no, got i8");
  await expect(readArrays(path, { name: ["i8"] } as never)).rejects.toThrow('did you mean "names"?');
  await expect(readArrays("a.mat")).rejects.toThrow("expected a name with one of the endings .npy");
});

test.each<NdArray>([
  { values: Float64Array.from([1, NaN, -0, 1e300]), shape: [2, 2] },
  { values: BigInt64Array.from([2n ** 62n]), shape: [1] },
  { values: Uint8Array.from([1, 2, 255]), shape: [3, 1, 1] },
  { values: Float32Array.from([0.1]), shape: [] },
])("what is written is read again", async (array) => {
  const path = join(folder, "a.npy");
  await writeArray(array, path);
  const again = (await readArrays(path)).field("a");
  expect(again).toEqual(array);
});
test("writing refuses a wrong shape, and leaves nothing behind", async () => {
  await expect(writeArray({ values: new Float32Array(3), shape: [2] }, join(folder, "no.npy"))).rejects.toThrow(
    "expected as many values as the shape (2) has, got 3",
  );
  await expect(readArrays(join(folder, "no.npy"))).rejects.toThrow("got nothing of that name");
});

describe("npy: bad input", () => {
  const header = (text: string, data = 0) => {
    const bytes = Buffer.alloc(10 + text.length + data);
    bytes.write("\x93NUMPY\x01\x00", "latin1");
    bytes.writeUInt16LE(text.length, 8);
    bytes.write(text, 10);
    return bytes;
  };
  const good = bytesOf("f8.npy");
  test.each<[string, Buffer, string]>([
    ["another file", Buffer.from("hello, world"), "expected \\x93NUMPY at the beginning"],
    ["cut short", good.subarray(0, good.length - 1), "expected 96 bytes for the shape (4, 3), got 95"],
    ["longer", Buffer.concat([good, Buffer.alloc(8)]), "expected 96 bytes for the shape (4, 3), got 104"],
    ["objects", header("{'descr': '|O8', 'fortran_order': False, 'shape': (1,), }", 8), 'got "|O8"'],
    ["records", header("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4), "got records"],
    ["a huge shape", header("{'descr': '<f8', 'fortran_order': False, 'shape': (9000000, 9000000), }"), "got 0"],
    ["no header", header("{}"), "expected a header with descr, fortran_order and shape"],
  ])("%s", (_, bytes, message) => {
    const read = () => readNpy(bytesSource(bytes, "a.npy"));
    expect(read).toThrow(FileFormatError);
    expect(read).toThrow(message);
  });
  test("a zip archive without its end", () => {
    const read = () => readNpz(bytesSource(bytesOf("stored.npz").subarray(0, 200), "a.npz"));
    expect(read).toThrow("a.npz: expected the directory of a zip archive at the end, got none");
  });
});

describe("csv", () => {
  const read = (text: string, options = {}) => {
    const fields = readCsv(bytesSource(Buffer.from(text), "a.csv"), options);
    return {
      ...Object.fromEntries([...fields].map(([name, { values }]) => [name, [...values]])),
      ...Object.fromEntries(fields.texts),
    };
  };
  test("texts in quotes, empty cells, comments, the mark of UTF-8, Windows' ends of lines", () =>
    expect(read('\uFEFFname,"p, mean",n\r\n# a comment\r\n"a ""b""",1.5,\r\nc,-inf,3\r\n')).toEqual({
      name: ['a "b"', "c"],
      "p, mean": [1.5, -Infinity],
      n: [NaN, 3],
    }));
  test("a text over two lines", () => expect(read('a,b\n"x\ny",2\n')).toEqual({ a: ["x\ny"], b: [2] }));
  test("no names", () => expect(read("1,2\n3,4\n")).toEqual({ column_0: [1, 3], column_1: [2, 4] }));
  test("names of one's own", () => expect(read("1 2\n", { columns: ["x", "y"] })).toEqual({ x: [1], y: [2] }));
  test("a column that turns out to be texts", () =>
    expect(read("a,b\n1,2\n3,x\n")).toEqual({ a: [1, 3], b: ["2", "x"] }));
  test("nothing", () => expect(read("\n\n")).toEqual({}));
  test("a separator of one's own, from a file", async () => {
    writeFileSync(join(folder, "t.csv"), "x;y\n1,5;2\n");
    expect((await readTable(join(folder, "t.csv"), { separator: ";" })).texts.get("x")).toEqual(["1,5"]);
  });
  test.each([
    ["1,2\n3\n", {}, "a.csv:3: expected 2 cells in the line before, got 1"],
    ["x,x\n1,2\n", {}, 'a.csv: expected columns of different names, got "x" twice'],
    ['a,b\n"x,2\n', {}, 'expected " at the end of a text, got none'],
    ["1,2\n", { columns: ["x"] }, "expected 1 columns (x), got 2"],
  ])("%j", (text, options, message) => {
    expect(() => read(text, options)).toThrow(FileFormatError);
    expect(() => read(text, options)).toThrow(message);
  });
});
