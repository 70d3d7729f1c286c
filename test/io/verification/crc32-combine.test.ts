import { crc32Combine } from "../../../lib/io/verification/crc32-combine";
import { makeDigest } from "../../../lib/io/verification/digest";
import { someBytes } from "../../support/hub-server";

const crc32 = (bytes: Buffer): number => {
  const digest = makeDigest("crc32");
  digest.update(bytes);
  return digest.digest().readUInt32BE(0);
};

test.each([0, 1, 2, 999, 12_345, 99_999, 100_000])("of 100,000 bytes, cut at %d", (at) => {
  const bytes = someBytes(100_000, 9);
  expect(crc32Combine(crc32(bytes.subarray(0, at)), crc32(bytes.subarray(at)), bytes.length - at)).toBe(crc32(bytes));
});

test("of more bytes than 32 bits count", () => {
  // x^(8n) is 1 after 2^32 - 1 steps of one bit: 8 · (2^32 - 1) of them change nothing
  expect(crc32Combine(0x12345678, 0, 2 ** 32 - 1)).toBe(0x12345678);
  expect(crc32Combine(0x12345678, 0, 3 * (2 ** 32 - 1))).toBe(0x12345678);
});
