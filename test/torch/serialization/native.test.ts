/** The addon's archive functions with arguments that nobody should pass: an error with a code each time, never a crash. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { ones } from "../../../lib/torch";
import { native } from "../../../lib/torch/addon";
import { temporaryFolder } from "./fixtures";

const folder = temporaryFolder();
const path = join(folder, "bytes");
writeFileSync(path, Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]));

type Anything = (...args: unknown[]) => unknown;
const functions = Object.fromEntries(
  Object.entries(native as unknown as Record<string, unknown>).filter(([name]) => name.startsWith("archive")),
) as Record<string, Anything>;

test.each(Object.keys(functions))("%s", async (name) => {
  const odd = [
    undefined,
    null,
    -1,
    0,
    1,
    2 ** 60,
    NaN,
    Infinity,
    1.5,
    1n,
    "",
    join(folder, "text"),
    true,
    {},
    [],
    [1],
    () => 1,
    new Uint8Array(3),
    Symbol("x"),
  ];
  for (const value of odd) {
    for (let count = 0; count < 6; count++) {
      const args = Array<unknown>(count).fill(value);
      try {
        const result = functions[name]!(...args);
        if (result instanceof Promise)
          await result.catch((error: Error & { code?: string }) => expect(error.code).toMatch(/^ERR_/));
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/^ERR_/);
      }
    }
  }
});

describe("ranges", () => {
  test.each([
    [-1, 2],
    [0, 9],
    [8, 1],
    [9, 0],
    [2 ** 52, 2 ** 52],
    [0, -1],
  ])("offset %d, length %d of 8 bytes", async (offset, length) => {
    const archive = native.archiveOpen(path);
    const refused = expect.objectContaining({ code: "ERR_FILE_FORMAT" });
    expect(() => native.archiveBytes(archive, offset, length)).toThrow(refused);
    expect(() => native.archiveRead(archive, offset, length)).toThrow(refused);
    expect(() => native.archiveReadAsync(archive, offset, length)).toThrow(refused);
    expect(() => native.archiveMap(archive, offset, length)).toThrow(refused);
    native.archiveClose(archive);
    expect(() => native.archiveSize(archive)).toThrow(expect.objectContaining({ code: "ERR_ARGUMENT" }));
  });

  test.each<[number, number[], number[]]>([
    [0, [9], [1]],
    [1, [8], [1]],
    [-1, [1], [1]],
    [0, [2], [8]],
    [0, [-1], [1]],
    [0, [2], [-1]],
    [0, [2, 2], [1]],
    [0, [2 ** 40, 2 ** 40], [0, 0]],
    [2 ** 53, [1], [1]],
    [9, [0], [1]],
  ])("a tensor with offset %d, shape %p, strides %p over 8 bytes", (offset, shape, strides) => {
    const storage = native.fromBytes(new Uint8Array(8), [8], 0);
    expect(() => native.archiveTensor(storage, 0, offset, shape, strides)).toThrow(
      expect.objectContaining({ code: "ERR_FILE_FORMAT" }),
    );
    native.free(storage);
  });

  test("past the end of a storage", () => {
    const archive = native.archiveCreate(join(folder, "out"));
    const tensor = ones([4]);
    expect(() => native.archiveAppendStorage(archive, tensor.handle, 8, 9)).toThrow(
      expect.objectContaining({ code: "ERR_ARGUMENT" }),
    );
    native.archiveClose(archive);
  });
});

test("the checksum is that of zip files", () => {
  expect(native.archiveCrc32(Buffer.from("123456789"))).toBe(0xcbf43926);
  // every way through the folding: heads, whole blocks, tails
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7919) % 256));
  for (const length of [0, 1, 15, 16, 63, 64, 65, 79, 80, 127, 128, 200, 999]) {
    expect(native.archiveCrc32(bytes.subarray(0, length))).toBe(crc32(bytes.subarray(0, length)));
  }
});

test("a worker that ends in the middle of asynchronous work", async () => {
  const source = `
    const native = require(${JSON.stringify(process.env.NOETHER_NATIVE ?? join(__dirname, "../../../native/build/Release/noether_native.node"))});
    const storage = native.fromBytes(new Uint8Array(1 << 24), [1 << 24], 0);
    const archive = native.archiveCreate(${JSON.stringify(join(folder, "abandoned"))} + require("node:worker_threads").threadId);
    for (let i = 0; i < 4; i++) native.archiveAppendStorageAsync(archive, storage, 0, 1 << 24);
    require("node:worker_threads").parentPort.postMessage("started");
  `;
  for (let i = 0; i < 5; i++) {
    const worker = new Worker(source, { eval: true });
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    await worker.terminate();
  }
});

/** Bit by bit, as the format's appendix has it. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
