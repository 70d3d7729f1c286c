import { gzipSync } from "node:zlib";
import { FileFormatError } from "../../../lib/data/readers/errors";
import { gunzip, requireMemory, unpackLimit } from "../../../lib/data/readers/unpack";

const fail = (problem: string, cause?: unknown) => new FileFormatError("p.gz", problem, { cause });
const MIB = 2 ** 20;
const zeros = gzipSync(new Uint8Array(4 * MIB)); // 4 KiB

test("a file of gzip", () => {
  expect(Buffer.from(gunzip(gzipSync("1 2 3"), fail)).toString()).toBe("1 2 3");
  expect(gunzip(zeros, fail).length).toBe(4 * MIB);
  expect(gunzip(zeros, fail, 4 * MIB).length).toBe(4 * MIB);
});

test("a file that unpacks to more than memory has room for is refused by what it says of its size", () => {
  expect(() => gunzip(zeros, fail, MIB)).toThrow(
    "p.gz: expected a file of gzip that unpacks to at most 1 MiB, got 4 MiB: unpack it with gunzip first",
  );
});

test("a file that lies about its size, or has several members, is unpacked no further than the limit", () => {
  const lying = Buffer.from(zeros);
  lying.writeUInt32LE(5, lying.length - 4);
  expect(() => gunzip(lying, fail, MIB)).toThrow("at most 1 MiB, got more: unpack it with gunzip first");
  expect(() => gunzip(Buffer.concat([zeros, gzipSync("end")]), fail, MIB)).toThrow("got more");
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["no gzip", Buffer.from("no gzip at all..\0\0\0\0")],
  ["a part", zeros.subarray(0, 2000)],
])("damaged: %s", (_, bytes) => {
  expect(() => gunzip(bytes, fail, 8 * MIB)).toThrow(FileFormatError);
});

test("memory is asked for before it is taken", () => {
  expect(() => requireMemory([1000, 1000], 8, fail, 8_000_000)).not.toThrow();
  expect(() => requireMemory([1001, 1000], 8, fail, 8_000_000)).toThrow(
    "p.gz: 8 MiB (1001 x 1000 values), more than the 8 MiB that memory has for it",
  );
  expect(() => requireMemory([1e6, 1e6, 1e6], 8, fail)).toThrow(FileFormatError);
  expect(unpackLimit()).toBeGreaterThan(MIB);
});
