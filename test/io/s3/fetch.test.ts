import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import {
  configureLogging,
  estimateS3Size,
  fetchS3File,
  fetchS3Prefix,
  headS3Object,
  iterS3ObjectChunks,
  listS3Objects,
  ParallelErrors,
  S3FileUploader,
  type S3Options,
} from "../../../lib/io";
import { clientConfig, planS3Targets } from "../../../lib/io/s3";
import { type S3Client, s3Sdk } from "../../../lib/io/s3/sdk";
import { someBytes } from "../../support/hub-server";
import { S3Server } from "../../support/s3-server";
import { temporaryFolder } from "../../support/temporary-folder";
import { TestClock } from "../../support/test-clock";

const folder = temporaryFolder();
let s3: S3Server;
let client: S3Client;
let messages: string[];
const clientFor = async (credentials: Record<string, string> = {}): Promise<S3Client> => {
  const { S3Client: Client } = await s3Sdk();
  return new Client(clientConfig({ AWS_ENDPOINT_URL: s3.url, ...credentials }));
};
beforeEach(async () => {
  messages = [];
  configureLogging({ sink: (level, message) => messages.push(`${level} ${message}`) });
  s3 = new S3Server();
  await s3.start();
  client = await clientFor();
});
afterEach(async () => {
  configureLogging();
  client.destroy();
  await s3.close();
});
const options = (): S3Options => ({ client, clock: new TestClock() });
const read = (name: string): string => readFileSync(folder.at("out", name), "utf8");

test("a listing leaves folders out, keeps the order, and gives ETags without quotes", async () => {
  s3.put("b", "a/dir/", "");
  s3.put("b", "a/x.bin", "1234", "abc");
  s3.put("b", "a/y.txt", "567");
  expect((await listS3Objects("b", "a/", null, options())).map(({ key, size }) => [key, size])).toEqual([
    ["a/x.bin", 4],
    ["a/y.txt", 3],
  ]);
  expect(await listS3Objects("b", "a/", ".bin", options())).toEqual([{ key: "a/x.bin", size: 4, etag: "abc" }]);
  expect(await estimateS3Size("b", "a/", null, options())).toEqual([7, 2]);
});

test("10,000 objects in pages, one page refused and one cut", async () => {
  for (let i = 0; i < 10_000; i++) s3.put("b", `p/${String(i).padStart(5, "0")}`, "1");
  s3.faults.push({ match: /continuation-token=3000/, status: 503, times: 2 });
  const objects = await listS3Objects("b", "p/", null, options());
  expect(objects).toHaveLength(10_000);
  expect(new Set(objects.map(({ key }) => key)).size).toBe(10_000);
  expect(s3.seen(/list-type/)).toHaveLength(12);
});

test("pages of a size that is said", async () => {
  for (const key of ["a", "b", "c"]) s3.put("b", key, "1");
  expect(await listS3Objects("b", "", null, { ...options(), pageSize: 1 })).toHaveLength(3);
  expect(s3.seen(/list-type/)).toHaveLength(3);
});

test("keys with characters of URLs and XML", async () => {
  const keys = ["a b+c.txt", "ünï#?.txt", "100%.txt", "<&>.txt", "plus+ and%20.txt"];
  for (const key of keys) s3.put("b", `p/${key}`, key);
  expect(await fetchS3Prefix("b", "p/", folder.at("out"), null, options())).toEqual(
    expect.arrayContaining(keys.map((key) => `p/${key}`)),
  );
  for (const key of keys) expect(read(`p/${key}`)).toBe(key);
});

test("a file goes to its key", async () => {
  s3.put("b", "p/f.bin", "content");
  expect(await fetchS3File("b", "p/f.bin", folder.at("out"), options())).toBe(folder.at("out", "p", "f.bin"));
  expect(read("p/f.bin")).toBe("content");
  expect(statSync(folder.at("out", "p", "f.bin")).size).toBe(7);
});

test("an object in chunks", async () => {
  s3.put("b", "k", "abcdefgh");
  const chunks: string[] = [];
  for await (const chunk of iterS3ObjectChunks("b", "k", 3, options())) chunks.push(chunk.toString());
  expect(chunks).toEqual(["abc", "def", "gh"]);
});

test("an object in chunks that ends early is an error", async () => {
  s3.put("b", "k", someBytes(5000));
  s3.faults.push({ match: /GET/, cutAfter: 100 });
  const read = async (): Promise<void> => {
    for await (const chunk of iterS3ObjectChunks("b", "k", 30, options())) expect(chunk.length).toBe(30);
  };
  await expect(read()).rejects.toThrow();
});

test("size and ETag of an object, of one that there is not", async () => {
  s3.put("b", "k", "123", "abc123");
  expect(await headS3Object("b", "k", options())).toEqual([3, "abc123"]);
  expect(await headS3Object("b", "none", options())).toEqual([null, null]);
});

test("a prefix, where an empty file stands in the place of a folder", async () => {
  s3.put("b", "x/one.bin", "1");
  s3.put("b", "x/two.bin", "2");
  mkdirSync(folder.at("out"));
  writeFileSync(folder.at("out", "x"), "");
  expect(await fetchS3Prefix("b", "x/", folder.at("out"), null, options())).toEqual(["x/one.bin", "x/two.bin"]);
  expect([read("x/one.bin"), read("x/two.bin")]).toEqual(["1", "2"]);
});

test("a file with content in the place of a folder is an error, and stays", async () => {
  s3.put("b", "x/one.bin", "1");
  mkdirSync(folder.at("out"));
  writeFileSync(folder.at("out", "x"), "mine");
  await expect(fetchS3Prefix("b", "x/", folder.at("out"), null, options())).rejects.toThrow(/EEXIST|ENOTDIR/);
  expect(read("x")).toBe("mine");
});

test("an empty object in the place of a folder is no file", async () => {
  s3.put("b", "foo", "");
  s3.put("b", "foo/bar", "1");
  expect(await fetchS3Prefix("b", "foo", folder.at("out"), null, options())).toEqual(["foo/bar"]);
});

test("failures are told when all were tried", async () => {
  for (const name of ["a.txt", "b.txt", "c.bin"]) s3.put("b", name, name);
  s3.faults.push({ match: /a\.txt/, status: 403 });
  const failed = await fetchS3Prefix("b", "", folder.at("out"), ".txt", options()).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(ParallelErrors);
  expect((failed as ParallelErrors).errors).toMatchObject([[{ path: "a.txt" }, { status: 403 }]]);
  expect(read("b.txt")).toBe("b.txt");
  expect(existsSync(folder.at("out", "c.bin"))).toBe(false);
});

test("nothing has the prefix", async () => {
  expect(await fetchS3Prefix("b", "none/", folder.at("out"), ".x", options())).toEqual([]);
  expect(messages).toContain("WARNING No S3 objects found under s3://b/none/ (extension='.x')");
});

test.each(["../evil", "a/../../evil", "/evil", "a\\..\\evil"])("no key leads out of the folder: %s", async (key) => {
  s3.put("b", "good", "1");
  s3.put("b", key, "evil");
  await expect(fetchS3Prefix("b", "", folder.at("out"), null, options())).rejects.toThrow("Illegal relative path");
  await expect(fetchS3File("b", key, folder.at("out"), options())).rejects.toThrow("Illegal relative path");
  expect(existsSync(folder.at("out", "good"))).toBe(false);
  expect(existsSync(folder.at("evil"))).toBe(false);
});

test("a link out of the folder is not followed", async () => {
  s3.put("b", "link/x", "1");
  mkdirSync(folder.at("out"));
  mkdirSync(folder.at("elsewhere"));
  symlinkSync(folder.at("elsewhere"), folder.at("out", "link"));
  await expect(fetchS3Prefix("b", "", folder.at("out"), null, options())).rejects.toThrow("symbolic link");
  expect(existsSync(folder.at("elsewhere", "x"))).toBe(false);
});

const objects = (...keys: string[]) => keys.map((key) => ({ key, size: 1, etag: null }));
const paths = (keys: string[], prefix: string, how: object) =>
  planS3Targets(objects(...keys), prefix, how).map(({ path }) => path);

test.each([
  ["pref/", { stripPrefix: true }, ["x/one.bin", "x/two.bin"]],
  ["pref", { stripPrefix: true }, ["x/one.bin", "x/two.bin"]],
  ["pre", { stripPrefix: true }, ["pref/x/one.bin", "pref/x/two.bin"]],
  ["pref/", { flatten: true }, ["one.bin", "two.bin"]],
  ["pref/", {}, ["pref/x/one.bin", "pref/x/two.bin"]],
])("paths below %s with %j", (prefix, how, expected) =>
  expect(paths(["pref/x/one.bin", "pref/x/two.bin"], prefix, how)).toEqual(expected),
);

test("keys that would be one file are refused", () => {
  expect(() => paths(["a/x", "b/x", "c/y"], "", { flatten: true })).toThrow(
    "Basename collisions under --flatten: x. Consider removing --flatten or using distinct prefixes.",
  );
  expect(() => paths(["a/x", "a//x"], "", {})).toThrow("keys that would be the same file: a/x");
  expect(() => paths(["a", "a/b"], "", {})).toThrow("both a file and a folder: a");
});

describe("the client", () => {
  const headers = async (credentials: Record<string, string>) => {
    const own = await clientFor(credentials);
    s3.put("b", "k", "1");
    await listS3Objects("b", "", null, { client: own });
    own.destroy();
    return s3.requests.at(-1)!.headers;
  };

  test("without a key pair requests are not signed, region or not", async () => {
    for (const credentials of [{}, { AWS_REGION: "eu-central-1" }]) {
      const sent = await headers(credentials as Record<string, string>);
      expect(Object.keys(sent).filter((name) => /authorization|x-amz-security-token/.test(name))).toEqual([]);
    }
  });

  test("with one they are, for the region, with the session token", async () => {
    const pair = {
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "very-secret",
      AWS_SESSION_TOKEN: "session",
    };
    const sent = await headers({ ...pair, AWS_REGION: "eu-central-1" });
    expect(sent["authorization"]).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\/\d{8}\/eu-central-1\/s3\/aws4_request/,
    );
    expect(sent["x-amz-security-token"]).toBe("session");
  });

  test("any endpoint, by path", () =>
    expect(clientConfig({ AWS_ENDPOINT_URL: "https://minio.local" })).toMatchObject({
      endpoint: "https://minio.local",
      forcePathStyle: true,
      region: "us-east-1",
    }));
});

describe("the uploader", () => {
  const uploader = (path = "s3://b/pre/fix", more = {}) =>
    new S3FileUploader(folder.at("up"), path, { client, ...more });
  const put = (name: string, content: string | Uint8Array) => {
    mkdirSync(folder.at("up", name, ".."), { recursive: true });
    writeFileSync(folder.at("up", name), content);
  };
  const keys = () => [...s3.objects.keys()].sort();

  test("all files of a folder, in one go or in parts", async () => {
    const large = someBytes(9 * 2 ** 20);
    put("a.txt", "a");
    put("deep/b.txt", "b");
    put("empty", "");
    put("large.bin", large);
    await uploader().uploadAll({ showProgress: false });
    expect(keys()).toEqual(["b/pre/fix/a.txt", "b/pre/fix/deep/b.txt", "b/pre/fix/empty", "b/pre/fix/large.bin"]);
    expect(s3.objects.get("b/pre/fix/large.bin")!.content.equals(large)).toBe(true);
    expect(s3.objects.get("b/pre/fix/large.bin")!.etag).toMatch(/-2$/);
    expect(existsSync(folder.at("up", "a.txt"))).toBe(true);
  });

  test.each([
    ["s3://b", "b/a.txt"],
    ["s3://b/", "b/a.txt"],
    ["s3://b//x/./y/?q#f", "b/x/y/a.txt"],
  ])("%s: %s", async (path, key) => {
    put("a.txt", "a");
    const upload = uploader(path);
    await upload.write(folder.at("up", "a.txt"));
    await upload.close();
    expect(keys()).toEqual([key]);
  });

  test("progress is that of what is there, not of what waits", async () => {
    put("a.txt", "a");
    put("b.txt", "bbb");
    s3.faults.push({ match: /PUT .*b\.txt/, status: 403 });
    await expect(uploader().uploadAll()).rejects.toThrow("403");
    expect(messages).toContain("INFO [Uploading...] failed after 1.00 B/4.00 B");
  });

  test("the source is removed when everything is there", async () => {
    put("a.txt", "a");
    await uploader().uploadAll({ removeSource: true });
    expect(existsSync(folder.at("up"))).toBe(false);
  });

  test("all failures are told, the uploader is closed, the source stays", async () => {
    put("a.txt", "a");
    put("b.txt", "b");
    put("c.txt", "c");
    s3.faults.push({ match: /PUT .*[ab]\.txt/, status: 403, times: 2 });
    const upload = uploader("s3://b/p", { maxInflight: 1 });
    await expect(upload.uploadAll({ removeSource: true })).rejects.toThrow(/2 errors encountered: .*a\.txt.*b\.txt/);
    expect(existsSync(folder.at("up", "a.txt"))).toBe(true);
    expect(keys()).toEqual(["b/p/c.txt"]);
    await expect(upload.write(folder.at("up", "a.txt"))).rejects.toThrow("closed");
  });

  test("an upload in parts that fails leaves no parts", async () => {
    put("large.bin", someBytes(17 * 2 ** 20));
    s3.faults.push({ match: /partNumber=2/, status: 403 });
    await expect(uploader().uploadAll()).rejects.toThrow("403");
    expect(s3.uploadsLeft).toBe(0);
    expect(keys()).toEqual([]);
  });

  test("links out of the folder are left out, and keep the source", async () => {
    put("a.txt", "a");
    writeFileSync(folder.at("outside"), "secret");
    symlinkSync(folder.at("outside"), folder.at("up", "link"));
    await uploader("s3://b").uploadAll({ removeSource: true });
    expect(keys()).toEqual(["b/a.txt"]);
    expect(existsSync(folder.at("up", "link"))).toBe(true);
  });

  test("a file outside the root, a path that is none, an empty folder", async () => {
    mkdirSync(folder.at("up"));
    writeFileSync(folder.at("outside"), "x");
    await expect(uploader().write(folder.at("outside"))).rejects.toThrow("is not inside the specified local_root");
    expect(() => uploader("b/p")).toThrow("s3_path must start with 's3://'");
    expect(() => uploader("s3:///p")).toThrow("bucket");
    await uploader().uploadAll();
    expect(messages).toContain("WARNING No files found to upload.");
  });
});
