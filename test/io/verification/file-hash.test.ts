import { createHash } from "node:crypto";
import { appendFileSync, writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { FileHash } from "../../../lib/io/verification/file-hash";
import { digestOfFile, hashFile } from "../../../lib/io/verification/hash-file";
import { someBytes } from "../../support/hub-server";
import { temporaryFolder } from "../../support/temporary-folder";

const folder = temporaryFolder();
const file = (name: string, content: Buffer): string => {
  const path = folder.at(name);
  writeFileSync(path, content);
  return path;
};
const digest = (content: Buffer | string, algorithm = "sha256"): string =>
  createHash(algorithm).update(content).digest("hex");

test("the hash of a file that grows, as far as it is said to be final", async () => {
  const bytes = someBytes(3_000_001);
  const path = file("growing", bytes.subarray(0, 1_000_000));
  const hash = new FileHash(path, "md5");
  hash.extend(1_000_000);
  appendFileSync(path, bytes.subarray(1_000_000));
  hash.extend(2_000_000);
  expect(await hash.digest(2_999_999)).toBe(digest(bytes.subarray(0, 2_999_999), "md5"));
});

test("what is hashed before the file", async () => {
  const path = file("prefix", Buffer.from("content"));
  expect(await new FileHash(path, "sha1", { prefix: "blob 7\0", chunkSize: 3 }).digest()).toBe(
    digest("blob 7\0content", "sha1"),
  );
});

test("more hashes than threads, none mixed up with another", async () => {
  const contents = Array.from({ length: 20 }, (_, i) => someBytes(300_000 + i, i + 1));
  const hashes = contents.map((content, i) => new FileHash(file(`many${i}`, content), "sha256"));
  for (const hash of hashes) hash.extend(100_000);
  expect(await Promise.all(hashes.map((hash) => hash.digest()))).toEqual(contents.map((each) => digest(each)));
});

test("a file that is missing is the system's error, also when nobody wants the digest any more", async () => {
  const path = folder.at("missing");
  new FileHash(path, "sha256").cancel();
  const hash = new FileHash(path, "sha256");
  hash.extend(10);
  await expect(hash.digest()).rejects.toMatchObject({ code: "ENOENT" });
});

test("the digest of a thread that ended before it was asked for is an error, and the next hash has a new thread", async () => {
  const path = file("ended", Buffer.from("content"));
  const sent = jest.spyOn(Worker.prototype, "postMessage");
  const hash = new FileHash(path, "sha256");
  hash.extend(3);
  await (sent.mock.contexts[0] as Worker).terminate();
  sent.mockRestore();
  await expect(hash.digest()).rejects.toThrow("the thread that hashes files ended");
  expect(await new FileHash(path, "sha256").digest()).toBe(digest("content"));
});

test("large and small files have the same kind of digest", async () => {
  const [small, large] = [someBytes(1000), someBytes(5 * 2 ** 20)];
  expect(await hashFile(file("small", small))).toBe(digest(small));
  expect(await hashFile(file("large", large), 2)).toBe(digest(large));
  expect(await digestOfFile(file("sha1", large), { algorithm: "sha1", prefix: "a" })).toBe(
    digest(Buffer.concat([Buffer.from("a"), large]), "sha1"),
  );
});
