import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import {
  configureLogging,
  parseCheckpointUri,
  resolveCheckpoint,
  type ResolveCheckpointOptions,
  resolveRunUri,
} from "../../../lib/io";
import { layoutOf } from "../../../lib/io/checkpoint/cache-layout";
import { clientConfig } from "../../../lib/io/s3";
import { type S3Client, s3Sdk } from "../../../lib/io/s3/sdk";
import { HubServer, someBytes } from "../../support/hub-server";
import { S3Server } from "../../support/s3-server";
import { temporaryFolder } from "../../support/temporary-folder";
import { TestClock } from "../../support/test-clock";

const folder = temporaryFolder();
const content = someBytes(5000);
const sha256 = createHash("sha256").update(content).digest("hex");
let hub: HubServer;
let s3: S3Server;
let client: S3Client;
beforeEach(async () => {
  configureLogging({ sink: () => undefined });
  hub = new HubServer();
  s3 = new S3Server();
  await Promise.all([hub.start(), s3.start()]);
  client = new (await s3Sdk()).S3Client(clientConfig({ AWS_ENDPOINT_URL: s3.url }));
  hub.put("models", "o/n", { "a/b/m.pt": content, "small.pt": "hello world" });
  s3.put("b", "k/m.pt", content);
});
afterEach(async () => {
  configureLogging();
  client.destroy();
  await Promise.all([hub.close(), s3.close()]);
});
const options = (more: ResolveCheckpointOptions = {}): ResolveCheckpointOptions => ({
  cacheDir: folder.at("cache"),
  endpoint: hub.url,
  token: null,
  client,
  clock: new TestClock(),
  ...more,
});
const HF = "hf://o/n?filename=a/b/m.pt";

test.each([
  ["model.pt", "model", "model.pt"],
  ["sub/dir/m.pt", "m", "m.pt"],
  ["a.tar.gz", "a.tar", "a.tar.gz"],
  ["x.pt.pt", "x", "x.pt"],
  ["model.v1.pt", "model.v1", "model.v1.pt"],
  ["my model (1).safetensors", "my_model_1", "my_model_1.safetensors"],
  ["E10_U100_S200.model=last.th", "E10_U100_S200.model_last", "E10_U100_S200.model_last.th"],
  [".bashrc", "bashrc", "bashrc"],
  ["épo.pt", "po", "po.pt"],
  ["__.pt", "checkpoint", "checkpoint.pt"],
])("the Python framework keeps %s in %s as %s", (hint, base, file) => expect(layoutOf(hint)).toEqual({ base, file }));

test.each([
  [
    "hf://o/n?filename=a%20b%2Fc.pt",
    { scheme: "hf", repoId: "o/n", repoType: "model", revision: "main", filename: "a b/c.pt" },
  ],
  [
    "hf://o/n@feature/x?filename=a+b",
    { scheme: "hf", repoId: "o/n", repoType: "model", revision: "feature/x", filename: "a b" },
  ],
  [
    "hf://gpt2@v1?filename=m&filename=other#f",
    { scheme: "hf", repoId: "gpt2", repoType: "model", revision: "v1", filename: "m" },
  ],
  [
    "hf://datasets/o/d?filename=m",
    { scheme: "hf", repoId: "o/d", repoType: "dataset", revision: "main", filename: "m" },
  ],
  ["s3://b/k/x?y#z%20", { scheme: "s3", bucket: "b", key: "k/x?y#z%20" }],
  ["file:///abs/x", { scheme: "file", path: "/abs/x" }],
  ["file://x/y", { scheme: "file", path: "x/y" }],
  ["a/b.pt", { scheme: "file", path: "a/b.pt" }],
])("%s", (uri, parsed) => expect(parseCheckpointUri(uri)).toEqual(parsed));

test.each(["hf://?filename=a.bin", "hf://", "s3://b", "s3://b/", "s3:///k", "s3://b/ ", "gs://b/k", "http://x/y", ""])(
  "%j is no checkpoint",
  (uri) => expect(() => parseCheckpointUri(uri)).toThrow(/expected|No provider/),
);

test.each(["hf://o/n", "hf://o/n?filename=", "hf://o/n?filename=a/"])("%s names no file", async (uri) => {
  await expect(resolveCheckpoint(uri, options())).rejects.toThrow();
  expect(hub.requests).toEqual([]);
});

test.each([
  ["hub", HF],
  ["s3", "s3://b/k/m.pt"],
])("from the %s, once", async (_, uri) => {
  const found = await resolveCheckpoint(uri, options());
  expect(found).toEqual({ uri, localPath: expect.stringMatching(/cache\/m-[0-9a-f]{16}\/m\.pt$/), sha256, size: 5000 });
  expect(readFileSync(found.localPath).equals(content)).toBe(true);
  const gets = (): number => [hub.storage, s3].flatMap((server) => server.seen(/^GET/)).length;
  const before = gets();
  expect(await resolveCheckpoint(uri, options())).toEqual(found);
  expect(gets()).toBe(before);
  const meta = JSON.parse(readFileSync(join(dirname(found.localPath), "meta.json"), "utf8")) as Record<string, unknown>;
  expect(Object.keys(meta)).toEqual(["uri", "local_path", "sha256", "size", "created_at", "etag"]);
  expect(meta).toMatchObject({
    uri,
    sha256,
    size: 5000,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  });
});

test("what the server changed is fetched again", async () => {
  await resolveCheckpoint("s3://b/k/m.pt", options());
  s3.put("b", "k/m.pt", "new");
  expect(readFileSync((await resolveCheckpoint("s3://b/k/m.pt", options())).localPath, "utf8")).toBe("new");
});

test("a file that was cut in the cache is fetched again", async () => {
  const { localPath } = await resolveCheckpoint(HF, options());
  writeFileSync(localPath, "cut");
  expect((await resolveCheckpoint(HF, options())).sha256).toBe(sha256);
});

test("files of one name of two repositories, revisions, buckets do not replace each other", async () => {
  hub.put("models", "o/other", { "a/b/m.pt": "other" });
  hub.put("models", "o/n", { "a/b/m.pt": "v1" }, "v1");
  const uris = [HF, "hf://o/other?filename=a/b/m.pt", "hf://o/n@v1?filename=a/b/m.pt", "s3://b/k/m.pt"];
  const paths = await Promise.all(uris.map(async (uri) => (await resolveCheckpoint(uri, options())).localPath));
  expect(new Set(paths).size).toBe(4);
  expect(readFileSync(paths[1]!, "utf8")).toBe("other");
  expect(readFileSync(paths[2]!, "utf8")).toBe("v1");
});

test("the layout of the Python framework", async () => {
  const { localPath } = await resolveCheckpoint(HF, options({ sharedLayout: true }));
  expect(localPath).toBe(folder.at("cache", "m", "m.pt"));
  expect(readdirSync(folder.at("cache", "m")).sort()).toEqual(["m.pt", "meta.json"]);
});

test("a checkpoint that is called meta.json", async () => {
  hub.put("models", "o/n", { "meta.json": "a checkpoint" });
  const { localPath } = await resolveCheckpoint("hf://o/n?filename=meta.json", options());
  expect(readFileSync(localPath, "utf8")).toBe("a checkpoint");
});

test("with the expected SHA-256, or of a commit, nothing is asked", async () => {
  const commit = hub.commitOf(hub.repos[0]!, "main");
  const pinned = `hf://o/n@${commit}?filename=a/b/m.pt`;
  await resolveCheckpoint(pinned, options());
  await resolveCheckpoint(HF, options());
  hub.requests.length = 0;
  await resolveCheckpoint(pinned, options());
  await resolveCheckpoint(HF, options({ expectedSha256: sha256.toUpperCase() }));
  expect(hub.requests).toEqual([]);
});

test("when the hub cannot be reached, what is there is taken", async () => {
  await resolveCheckpoint(HF, options());
  hub.faults.push({ match: /./, status: 503, times: 99 });
  expect((await resolveCheckpoint(HF, options())).sha256).toBe(sha256);
  await expect(resolveCheckpoint("hf://o/n?filename=small.pt", options())).rejects.toThrow("503");
});

test("another SHA-256 is an error that names both, and nothing stays in the cache", async () => {
  await expect(resolveCheckpoint(HF, options({ expectedSha256: "0".repeat(64) }))).rejects.toThrow(
    `expected ${"0".repeat(64)}, got ${sha256}`,
  );
  expect(readdirSync(folder.at("cache")).flatMap((name) => readdirSync(folder.at("cache", name)))).toEqual([]);
});

test("what cannot be loaded is an error", async () => {
  const verifyLoad = (path: string): void => {
    throw new Error(`cannot load ${path}`);
  };
  await expect(resolveCheckpoint(HF, options({ verifyLoad }))).rejects.toThrow("cannot load");
});

test("room for the checkpoint and so much more", async () => {
  const freeSpace = async (): Promise<number> => Promise.resolve(6000);
  await expect(resolveCheckpoint(HF, options({ freeSpace, minFreeBytes: 2000 }))).rejects.toThrow(
    "Insufficient space: need ≈7000 bytes, free=6000 bytes",
  );
  expect((await resolveCheckpoint(HF, options({ freeSpace, minFreeBytes: 1000 }))).size).toBe(5000);
});

test("the hash of hello world", async () => {
  const { sha256: hash } = await resolveCheckpoint("hf://o/n?filename=small.pt", options());
  expect(hash).toBe("b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"); // printf 'hello world' | sha256sum
  hub.repos.length = 0;
  hub.put("models", "o/n", { "small.pt": "hello again" });
  expect((await resolveCheckpoint("hf://o/n?filename=small.pt", options({ computeHash: false }))).sha256).toBeNull();
});

describe("a file of this machine", () => {
  test.each([(path: string) => path, (path: string) => `file://${path}`])("stays where it is", async (form) => {
    writeFileSync(folder.at("my model.pt"), content);
    const found = await resolveCheckpoint(form(folder.at("my model.pt")), options());
    expect(found).toMatchObject({ localPath: folder.at("my model.pt"), sha256, size: 5000 });
    expect(existsSync(folder.at("cache"))).toBe(false);
    expect(statSync(folder.at("my model.pt")).isFile()).toBe(true);
  });

  test("is not there", () =>
    expect(resolveCheckpoint(`file://${folder.at("none")}`, options())).rejects.toThrow("there is no checkpoint"));

  test("is a folder", () => expect(resolveCheckpoint(folder.path, options())).rejects.toThrow("got the folder"));

  test("stays also when its hash is another", async () => {
    writeFileSync(folder.at("m.pt"), content);
    await expect(resolveCheckpoint(folder.at("m.pt"), options({ expectedSha256: "1".repeat(64) }))).rejects.toThrow(
      "SHA-256 mismatch",
    );
    expect(existsSync(folder.at("m.pt"))).toBe(true);
  });
});

describe("a folder of runs", () => {
  beforeEach(() => {
    hub.put("models", "o/runs", { "r1/checkpoints/m.th": content, "r2/x": "x" });
    s3.put("b", "runs/r1/checkpoints/m.th", content);
    s3.put("b", "runs/r2/x", "x");
  });

  test.each(["hf://o/runs", "s3://b/runs", "s3://b/runs/"])("%s, only the files that are asked for", async (uri) => {
    const path = await resolveRunUri(uri, { ...options(), filter: (name) => name.startsWith("r1/") });
    expect(readFileSync(`${path}/r1/checkpoints/m.th`).equals(content)).toBe(true);
    expect(existsSync(`${path}/r2`)).toBe(false);
    s3.requests.length = hub.storage.requests.length = 0;
    expect(await resolveRunUri(uri, { ...options(), filter: (name) => name.startsWith("r1/") })).toBe(path);
    expect([...s3.seen(/^GET .*m\.th/), ...hub.storage.requests]).toEqual([]);
  });

  test("a folder of a repository", async () => {
    const path = await resolveRunUri("hf://o/runs?filename=r1", options());
    expect(readFileSync(`${path}/checkpoints/m.th`).equals(content)).toBe(true);
  });

  test("a path stays what it is", async () => {
    mkdirSync(folder.at("runs"));
    expect(await resolveRunUri(folder.at("runs"))).toBe(folder.at("runs"));
  });

  test.each(["hf://o/runs?filename=r3", "s3://b/none"])("%s: nothing is there", (uri) =>
    expect(resolveRunUri(uri, options())).rejects.toThrow("there are no such files"),
  );
});
