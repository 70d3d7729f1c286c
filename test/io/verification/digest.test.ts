import { createHash } from "node:crypto";
import { type DigestAlgorithm, digestMaker, makeDigest } from "../../../lib/io/verification/digest";
import { someBytes } from "../../support/hub-server";

const hexOf = (algorithm: DigestAlgorithm, pieces: readonly Buffer[], make = makeDigest, parts?: number[]): string => {
  const digest = make(algorithm, parts);
  for (const piece of pieces) digest.update(piece);
  return digest.digest().toString("hex");
};
/** As where Node has no `zlib.crc32`. */
const withoutNative = digestMaker(createHash, undefined);

// the check values that the catalogue of parametrised CRC algorithms gives for the nine digits
test.each([
  ["crc32", "cbf43926", makeDigest],
  ["crc32", "cbf43926", withoutNative],
  ["crc32c", "e3069283", makeDigest],
  ["crc64nvme", "ae8b14860a799888", makeDigest],
] as const)("%s of 123456789 is %s", (algorithm, expected, make) => {
  expect(hexOf(algorithm, [Buffer.from("123456789")], make)).toBe(expected);
  expect(hexOf(algorithm, [Buffer.from("12"), Buffer.from(""), Buffer.from("3456789")], make)).toBe(expected);
});

test("the table's CRC32 is zlib's, whatever the pieces", () => {
  const bytes = someBytes(100_003, 5);
  const pieces = [bytes.subarray(0, 5), bytes.subarray(5, 77_001), bytes.subarray(77_001)];
  expect(hexOf("crc32", pieces, withoutNative)).toBe(hexOf("crc32", [bytes]));
});

test("of nothing", () => {
  expect(hexOf("crc32", [])).toBe("00000000");
  expect(hexOf("crc64nvme", [])).toBe("0000000000000000");
});

test("the checksum of the parts' checksums, wherever the pieces end", () => {
  const bytes = someBytes(1000, 7);
  const [sizes, ends] = [[300, 600, 100], [0, 300, 900, 1000]]; // prettier-ignore
  const inner = sizes.map((_, i) => createHash("sha256").update(bytes.subarray(ends[i], ends[i + 1])).digest()); // prettier-ignore
  const expected = createHash("sha256").update(Buffer.concat(inner)).digest("hex");
  for (const step of [1, 7, 300, 450, 1000]) {
    const pieces = Array.from({ length: Math.ceil(1000 / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step));
    expect(hexOf("sha256", pieces, makeDigest, sizes)).toBe(expected);
  }
  expect(hexOf("sha256", [bytes.subarray(0, 999)], makeDigest, sizes)).not.toBe(expected);
  expect(hexOf("sha256", [Buffer.concat([bytes, bytes])], makeDigest, sizes)).not.toBe(expected);
});
