import { openSync, closeSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CheckpointError, load, loadAsync, save } from "../../../../lib/torch/serialization";
import { openBytes, openFile } from "../../../../lib/torch/serialization/source";
import { dataOffset, readZipDirectory } from "../../../../lib/torch/serialization/zip/reader";
import { ZipLayout } from "../../../../lib/torch/serialization/zip/writer";
import { ones, type Tensor } from "../../../../lib/torch";
import { archive, deflated, int, pickled, program, tensorProgram, text } from "../archives";
import { fixtures, temporaryFolder } from "../fixtures";

const folder = temporaryFolder();
const valid = pickled([int(1)]);
const CENTRAL = valid.indexOf("PK\u0001\u0002");

/** The valid archive with some bytes changed. */
function changed(edit: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(valid);
  edit(bytes);
  return bytes;
}

test.each([
  ["a line end", "\n"],
  ["a kilobyte", "x".repeat(1024)],
])("%s after the archive changes nothing, as in PyTorch", (_, rest) => {
  expect(load(Buffer.concat([valid, Buffer.from(rest)]))).toBe(1);
  const path = join(folder, "appended.th");
  save({ a: ones([3]) }, path);
  const appended = Buffer.concat([readFileSync(path), Buffer.from(rest)]);
  expect((load(appended) as { a: Tensor }).a.toArray()).toEqual([1, 1, 1]);
});

describe("the layout is that of torch.save", () => {
  const path = join(folder, "some.model.th");
  save({ a: ones([3]), b: ones([5]) }, path);
  const source = openBytes(readFileSync(path));
  const entries = readZipDirectory(source);

  test("records in its order, in a folder with the file's stem", () => {
    expect(entries.map(({ name }) => name)).toEqual(
      [
        "data.pkl",
        ".format_version",
        ".storage_alignment",
        "byteorder",
        "data/0",
        "data/1",
        "version",
        ".data/serialization_id",
      ].map((name) => `some.model/${name}`),
    );
  });

  test("or with the stem of the name that the file gets in the end", () => {
    const temporary = join(folder, "last_model.th.tmp-1");
    save({ a: 1 }, temporary, { finalPath: "/somewhere/last_model.th" });
    expect(readZipDirectory(openBytes(readFileSync(temporary)))[0]!.name).toBe("last_model/data.pkl");
  });

  test("data at multiples of 64 bytes", () => {
    for (const entry of entries) expect(dataOffset(source, entry) % 64).toBe(0);
  });

  test("the small records", () => {
    const content = (name: string) => {
      const entry = entries.find((candidate) => candidate.name === `some.model/${name}`)!;
      return Buffer.from(source.read(dataOffset(source, entry), entry.byteLength)).toString();
    };
    expect(["version", "byteorder", ".format_version", ".storage_alignment"].map(content)).toEqual([
      "3\n",
      "little",
      "1",
      "64",
    ]);
    expect(content(".data/serialization_id")).toMatch(/^\d{40}$/);
  });

  test("record for record the same headers as PyTorch's own", () => {
    const theirs = openBytes(readFileSync(join(fixtures, "buffers.pt")));
    const layout = new ZipLayout();
    for (const entry of readZipDirectory(theirs)) {
      const offset = dataOffset(theirs, entry);
      expect(Buffer.from(layout.begin(entry.name, entry.byteLength)).toString("hex")).toBe(
        Buffer.from(theirs.read(entry.header, offset - entry.header)).toString("hex"),
      );
      expect(Buffer.from(layout.end(entry.crc32)).toString("hex")).toBe(
        Buffer.from(theirs.read(offset + entry.byteLength, 16)).toString("hex"),
      );
    }
    const directory = Buffer.from(layout.finish());
    expect(directory.toString("hex")).toBe(
      Buffer.from(theirs.read(theirs.size - directory.length, directory.length)).toString("hex"),
    );
  });
});

describe("zip64", () => {
  test("entries of more than 4 GiB, in a sparse file", () => {
    const path = join(folder, "large.zip");
    const layout = new ZipLayout();
    const [first, second] = [5 * 2 ** 30, 10];
    const file = openSync(path, "w");
    let position = 0;
    const put = (bytes: Uint8Array) => (position += writeSync(file, bytes, 0, bytes.length, position));
    put(layout.begin("a/large", first));
    position += first;
    put(layout.end(0));
    put(layout.begin("a/behind", second));
    put(Buffer.from("0123456789"));
    put(layout.end(7));
    put(layout.finish());
    closeSync(file);
    const source = openFile(path, false);
    const entries = readZipDirectory(source);
    expect(entries.map(({ byteLength }) => byteLength)).toEqual([first, second]);
    expect(entries[1]!.header).toBeGreaterThan(2 ** 32);
    expect(Buffer.from(source.read(dataOffset(source, entries[1]!), second)).toString()).toBe("0123456789");
    source.close();
    rmSync(path);
  });
});

describe("refuses", () => {
  test.each<[string, Buffer, RegExp]>([
    ["an archive without its end", valid.subarray(0, -1), /end of the file is missing/],
    [
      "a directory beyond the file",
      changed((b) => b.writeBigUInt64LE(2n ** 60n, b.length - 22 - 20 - 56 + 48)),
      /does not fit/,
    ],
    [
      "more entries than there is room for",
      changed((b) => b.writeBigUInt64LE(2n ** 40n, b.length - 22 - 20 - 56 + 32)),
      /does not fit/,
    ],
    [
      "a zip64 record beyond the file",
      changed((b) => b.writeBigUInt64LE(2n ** 60n, b.length - 22 - 20 + 8)),
      /does not fit/,
    ],
    ["a broken entry", changed((b) => b.writeUInt32LE(0, CENTRAL)), /broken entry/],
    ["a name beyond the directory", changed((b) => b.writeUInt16LE(5000, CENTRAL + 28)), /ends within an entry/],
    ["an encrypted record", changed((b) => b.writeUInt16LE(1, CENTRAL + 8)), /encrypted/],
    ["a record of another packing", changed((b) => b.writeUInt16LE(12, CENTRAL + 10)), /compressed with bzip2/],
    ["a stored record that claims to be deflated", changed((b) => b.writeUInt16LE(8, CENTRAL + 10)), /does not unpack/],
    ["two sizes", changed((b) => b.writeUInt32LE(1, CENTRAL + 24)), /two sizes/],
    [
      "a record past the end",
      changed((b) => (b.writeUInt32LE(10 ** 6, CENTRAL + 20), b.writeUInt32LE(10 ** 6, CENTRAL + 24))),
      /past the end/,
    ],
    ["a header past the end", changed((b) => b.writeUInt32LE(10 ** 6, CENTRAL + 42)), /past the end/],
    ["no header where one is due", changed((b) => b.writeUInt32LE(5, CENTRAL + 42)), /no zip entry where/],
    ["zip64 without sizes", changed((b) => b.writeUInt32LE(0xffffffff, CENTRAL + 24)), /zip64 entry without its sizes/],
    ["a wrong checksum", changed((b) => b.writeUInt32LE(1, CENTRAL + 16)), /checksum/],
    [
      "a TorchScript archive",
      archive({ "data.pkl": program([int(1)]), "constants.pkl": Buffer.from("") }),
      /TorchScript/,
    ],
    ["any other zip", archive({ "readme.txt": Buffer.from("hello") }), /zip archive without data\.pkl/],
  ])("%s", (_, bytes, message) => {
    expect(() => load(bytes)).toThrow(CheckpointError);
    expect(() => load(bytes)).toThrow(message);
  });

  test("two entries over the same bytes", () => {
    const entry = valid.subarray(CENTRAL, valid.length - 98);
    const twin = Buffer.from(entry);
    twin.write("other", 46 + 8);
    const twice = Buffer.concat([valid.subarray(0, CENTRAL), entry, twin, valid.subarray(valid.length - 98)]);
    twice.writeBigUInt64LE(2n, twice.length - 98 + 32);
    twice.writeBigUInt64LE(BigInt(2 * entry.length), twice.length - 98 + 40);
    twice.writeBigUInt64LE(BigInt(CENTRAL + 2 * entry.length), twice.length - 42 + 8);
    expect(() => load(twice)).toThrow(/reaches into the next one/);
  });
});

describe("deflated records", () => {
  /** An archive with one tensor of zeros, packed, whose directory tells of `claimed` bytes. */
  const packed = (bytes: number, claimed = bytes) =>
    deflated({
      "data.pkl": program(tensorProgram({ elements: BigInt(claimed / 4), shape: [BigInt(claimed / 4)] })),
      "data/0": { content: Buffer.alloc(bytes), claimed },
    });

  test("are unpacked", () => {
    expect(load<Tensor>(packed(4000)).shape).toEqual([1000]);
  });

  test("of a small file that asks for very much memory are refused before they are unpacked", () => {
    const bomb = packed(2 ** 20, 2 ** 31);
    expect(bomb.length).toBeLessThan(4000);
    expect(() => load(bomb)).toThrow(/unpack to at most 268435456 bytes, got 2147483\d+; .*"unpackedLimit"/);
  });

  test("are unpacked up to the limit that the caller sets", () => {
    expect(() => load(packed(4000), { unpackedLimit: 2000 })).toThrow(/unpack to at most 2000 bytes/);
    expect(load<Tensor>(packed(4000), { unpackedLimit: 5000 }).shape).toEqual([1000]);
  });

  test("that unpack to more than the directory tells are refused", () => {
    expect(() => load(packed(8000, 4000))).toThrow(/does not unpack to its 4000 bytes/);
  });

  test("that unpack to less than the directory tells are refused", () => {
    expect(() => load(packed(4000, 8000))).toThrow(/unpacks to 4000 bytes where 8000 are due/);
  });

  test("asynchronously, too", async () => {
    expect((await loadAsync<Tensor>(packed(4000))).shape).toEqual([1000]);
    await expect(loadAsync(packed(8000, 4000))).rejects.toThrow(/does not unpack/);
  });

  test("of pickles count towards the memory limit", () => {
    const records = { "data.pkl": program([text("a".repeat(5000))]) };
    expect(() => load(deflated(records), { memoryLimit: 1000 })).toThrow(/at most 1000 bytes, got 50\d\d/);
  });
});
