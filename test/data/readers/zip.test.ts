/** Archives against what Python's zipfile wrote (fixtures/make_zips.py). */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { FileFormatError } from "../../../lib/data/readers";
import { bytesSource } from "../../../lib/data/readers/byte-source";
import { extractZipEntry, zipContent, zipEntries } from "../../../lib/data/readers/zip";
import { temporaryFolder } from "../../support/temporary-folder";
import zips from "./fixtures/zips.json";

const folder = temporaryFolder();
const bytesOf = (name: keyof typeof zips.archives) => Buffer.from(zips.archives[name], "base64");

describe.each(Object.keys(zips.archives) as (keyof typeof zips.archives)[])("%s", (name) => {
  test("in memory", () => {
    const source = bytesSource(bytesOf(name));
    const files = zipEntries(source).filter((entry) => !entry.name.endsWith("/"));
    const contents = files.map((entry) => [entry.name, Buffer.from(zipContent(entry, source)).toString()]);
    expect(Object.fromEntries(contents)).toEqual(zips.files);
  });

  test("to a file", async () => {
    const source = bytesSource(bytesOf(name));
    for (const entry of zipEntries(source).filter((each) => !each.name.endsWith("/"))) {
      await extractZipEntry(entry, source, folder.at("out"));
      expect(readFileSync(folder.at("out"), "utf8")).toBe(zips.files[entry.name as keyof typeof zips.files]);
    }
    expect(readdirSync(folder.path)).toEqual(["out"]);
  });
});

describe("damaged entries are typed errors, and leave no file", () => {
  const damage = (change: (bytes: Buffer, start: number) => void): Buffer => {
    const bytes = bytesOf("deflated");
    const entry = zipEntries(bytesSource(bytes))[0]!;
    change(bytes, entry.offset + 30 + Buffer.byteLength(entry.name));
    return bytes;
  };
  test.each<[string, Buffer, RegExp]>([
    ["other bytes", damage((bytes, start) => bytes.fill(0xff, start, start + 20)), /deflated, got damaged bytes/],
    ["encrypted", damage((bytes) => bytes.writeUInt16LE(1, 6)), /without a password, got it encrypted/],
    ["no header", damage((bytes) => bytes.fill(0, 0, 4)), /expected the header of "a\/deep\/text.txt"/],
    ["cut short", bytesOf("deflated").subarray(0, -30), /expected the directory of a zip archive/],
    ["another checksum", flipChecksum(bytesOf("deflated")), /its checksum is not right/],
  ])("%s", async (_name, bytes, message) => {
    const source = bytesSource(bytes, "a.zip");
    const first = () => zipEntries(source)[0]!;
    expect(() => zipContent(first(), source)).toThrow(FileFormatError);
    expect(() => zipContent(first(), source)).toThrow(message);
    const extract = async () => extractZipEntry(first(), source, folder.at("out"));
    await expect(extract()).rejects.toThrow(message);
    await expect(extract()).rejects.toThrow(FileFormatError);
    expect(existsSync(folder.at("out"))).toBe(false);
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

/** Changes the checksum of the first file in the directory at the end. */
function flipChecksum(bytes: Buffer): Buffer {
  bytes[bytes.indexOf(Buffer.from("PK\x01\x02", "latin1")) + 16]! ^= 1;
  return bytes;
}
