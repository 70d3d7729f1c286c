/** Objects are compared with the checksum that S3 stores: of the content, of the parts' checksums, else the MD5 of the ETag. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { configureLogging, fetchS3File, fetchS3Prefix, type ParallelErrors } from "../../../lib/io";
import { clientConfig, type S3FetchOptions } from "../../../lib/io/s3";
import { type S3Client, s3Sdk, uploadSdk } from "../../../lib/io/s3/sdk";
import { type DigestAlgorithm, makeDigest } from "../../../lib/io/verification/digest";
import { someBytes } from "../../support/hub-server";
import { S3Server } from "../../support/s3-server";
import { temporaryFolder } from "../../support/temporary-folder";
import { TestClock } from "../../support/test-clock";

const folder = temporaryFolder();
const s3 = new S3Server();
let client: S3Client;
beforeAll(async () => {
  await s3.start();
  client = new (await s3Sdk()).S3Client(clientConfig({ AWS_ENDPOINT_URL: s3.url }));
});
beforeEach(() => {
  configureLogging({ sink: () => undefined });
  s3.objects.clear();
  s3.faults.length = s3.requests.length = 0;
  s3.pageSize = 1000;
});
afterAll(async () => {
  configureLogging();
  client.destroy();
  await s3.close();
});
const MiB = 2 ** 20;
const options = (): S3FetchOptions => ({ client, clock: new TestClock(), partSize: MiB, jobs: 1 });
/** Fetched in one go, in parts, and such that a better checksum than the MD5 is asked for. */
const contents = { small: someBytes(50_000, 3), large: someBytes(2 * MiB + 5, 4), huge: someBytes(8 * MiB + 5, 5) };
const base64 = (algorithm: DigestAlgorithm, content: Buffer, partSizes?: number[]): string => {
  const digest = makeDigest(algorithm, partSizes);
  digest.update(content);
  const suffix = partSizes === undefined ? "" : `-${partSizes.length}`;
  return digest.digest().toString("base64") + suffix;
};
const all = async (): Promise<unknown> =>
  fetchS3Prefix("b", "", folder.at("out"), null, options()).catch((error: ParallelErrors) =>
    Promise.reject(error.errors[0]![1] as Error),
  );
const file = async (): Promise<unknown> => fetchS3File("b", "k", folder.at("out"), options());
const left = (): string[] => (existsSync(folder.at("out")) ? readdirSync(folder.at("out")) : []);
const isRight = (content: Buffer): boolean => readFileSync(folder.at("out", "k")).equals(content);
const damaged = (content: Buffer): Buffer => {
  const copy = Buffer.from(content);
  copy[copy.length - 3]! ^= 1;
  return copy;
};

// the ETag of an upload in parts says nothing of the content
describe.each(["small", "large"] as const)("a %s object", (size) => {
  const content = contents[size];
  const parts = size === "small" ? [20_000, 20_000, 10_000] : [MiB / 2, MiB / 2, MiB + 5];

  describe.each(["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const)("%s", (algorithm) => {
    test.each([
      ["of the content", undefined],
      ["of the parts", parts],
    ])("%s", async (_, partSizes) => {
      const checksums = { [algorithm]: base64(algorithm, content, partSizes) };
      for (const fetch of [all, file]) {
        s3.put("b", "k", content, "0123456789abcdef0123456789abcdef-3", {}, { checksums, partSizes });
        await fetch();
        expect(isRight(content)).toBe(true);
        s3.put("b", "k", damaged(content), "1123456789abcdef0123456789abcdef-3", {}, { checksums, partSizes });
        await expect(fetch()).rejects.toThrow(`expected the ${algorithm} `);
        expect(isRight(content)).toBe(true);
        expect(left()).toEqual(["k"]);
      }
    });
  });

  test("with keys of Amazon's service for keys the ETag is no MD5, the checksum is one", async () => {
    const content = size === "small" ? contents.small : contents.huge;
    const encrypted = { "x-amz-server-side-encryption": "aws:kms" };
    const etag = "0123456789abcdef0123456789abcdef";
    const checksums = { crc32: base64("crc32", content) };
    s3.put("b", "k", content, etag, encrypted, { checksums });
    await all();
    expect(isRight(content)).toBe(true);
    s3.put("b", "k", damaged(content), etag, encrypted, { checksums });
    await expect(all()).rejects.toThrow("expected the crc32 ");
    s3.put("b", "k", content, etag, encrypted);
    await all();
  });
});

test("a bit that is lost on the way is found, and the object fetched anew", async () => {
  s3.put("b", "k", contents.huge, undefined, {}, { checksums: { crc32: base64("crc32", contents.huge) } });
  s3.faults.push({ match: /^GET .*\/k/, corrupt: true });
  await all();
  expect(isRight(contents.huge)).toBe(true);
});

test("what an ended process left is continued, and its bytes are compared, too", async () => {
  const content = contents.large;
  for (const more of [
    { checksums: { crc32: base64("crc32", content) } },
    { checksums: { crc32: base64("crc32", content, [MiB - 9, MiB + 14]) }, partSizes: [MiB - 9, MiB + 14] },
  ]) {
    const etag = `0123456789abcdef0123456789abcdef-${Object.keys(more).length}`;
    s3.put("b", "k", damaged(content), etag, {}, more);
    s3.faults.push({ match: /^GET .*\/k\?x-id/, times: 2 }, { match: /^GET .*\/k\?x-id/, status: 403 });
    await expect(all()).rejects.toThrow("403");
    s3.put("b", "k", content, etag, {}, more);
    s3.requests.length = 0;
    await all(); // only the last part comes from the server now; it was not among those that ended
    expect(isRight(content)).toBe(true);
    expect(s3.seen(/^GET .*\/k\?x-id/).map(({ headers }) => headers.range)).toEqual(["bytes=2097152-2097156"]);
  }
});

test("a CRC32 is asked for once for a large object, and an MD5 that costs little is not replaced", async () => {
  s3.put("b", "k", contents.huge, undefined, {}, { checksums: { crc32: base64("crc32", contents.huge) } });
  await all();
  expect(s3.seen(/^HEAD/)).toHaveLength(1);
  expect(s3.seen(/^HEAD/)[0]!.headers["x-amz-checksum-mode"]).toBe("ENABLED");
  s3.put("b", "k", contents.small);
  await all();
  expect(s3.seen(/^HEAD/)).toHaveLength(1);
});

test("an MD5 is compared where a slower check is all that S3 has", async () => {
  s3.put("b", "k", contents.huge, undefined, {}, { checksums: { crc64nvme: "AAAAAAAAAAA=" } });
  await all();
  expect(isRight(contents.huge)).toBe(true);
});

test("parts in pages; a server that does not tell them, or tells others", async () => {
  const content = contents.large;
  const partSizes = [MiB / 2, MiB / 2, MiB + 5];
  const checksums = { crc32: base64("crc32", content, partSizes) };
  const put = (bytes: Buffer, sizes?: number[]): void =>
    s3.put("b", "k", bytes, "0123456789abcdef0123456789abcdef-3", {}, { checksums, partSizes: sizes });
  s3.pageSize = 2;
  put(content, partSizes);
  await all();
  expect(s3.seen(/attributes/)).toHaveLength(2);
  put(damaged(content), partSizes);
  await expect(all()).rejects.toThrow("crc32");
  // then only the length is compared, as before S3 stored checksums
  for (const sizes of [[MiB / 2, MiB + MiB / 2 + 5], [MiB, MiB, MiB], undefined]) {
    put(damaged(content), sizes);
    await all();
  }
  put(damaged(content), partSizes);
  s3.faults.push({ match: /attributes/, status: 403 });
  await all();
});

// each algorithm on its own: the SDK computes some of them slowly, and a busy machine makes minutes of all together
test.each(["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])(
  "what the SDK uploads with a %s is compared with it",
  async (algorithm) => {
    const { PutObjectCommand } = (await s3Sdk()) as unknown as { PutObjectCommand: new (input: object) => object };
    const { Upload } = await uploadSdk();
    const partSize = 5 * MiB; // the least that S3 takes
    const content = contents.huge.subarray(0, partSize + 5);
    const object = { Bucket: "b", Key: "k", Body: content, ChecksumAlgorithm: algorithm };
    await new Upload({ client, params: object, partSize }).done();
    await all();
    expect(isRight(content)).toBe(true);
    const stored = s3.objects.get("b/k")!;
    expect(Object.keys(stored.checksums)).toEqual([algorithm.toLowerCase()]);
    expect(stored.partSizes).toEqual([partSize, 5]);
    s3.objects.set("b/k", { ...stored, content: damaged(content) });
    await expect(all()).rejects.toThrow(`expected the ${algorithm.toLowerCase()} `);
    await client.send(new PutObjectCommand({ ...object, Body: contents.small }));
    await all();
    expect(isRight(contents.small)).toBe(true);
  },
);
