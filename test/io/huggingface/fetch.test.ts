import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  configureLogging,
  estimateHfRepoSize,
  fetchHuggingfaceByExtension,
  fetchHuggingfaceFile,
  fetchHuggingfaceRepoSnapshot,
  type HubFetchOptions,
} from "../../../lib/io";
import { gitSha1, HubServer, someBytes } from "../../support/hub-server";
import { hasFlock, holdFlock } from "../../support/flock";
import { temporaryFolder } from "../../support/temporary-folder";
import { TestClock } from "../../support/test-clock";

const folder = temporaryFolder();
let hub: HubServer;
let messages: string[];
beforeEach(async () => {
  messages = [];
  configureLogging({ debug: true, sink: (level, message) => messages.push(`${level} ${message}`) });
  hub = new HubServer();
  await hub.start();
});
afterEach(async () => {
  configureLogging();
  delete process.env["HF_HUB_OFFLINE"];
  await hub.close();
});
const options = (more: HubFetchOptions = {}): HubFetchOptions => ({
  endpoint: hub.url,
  token: null,
  clock: new TestClock(),
  ...more,
});
const read = (name: string): string => readFileSync(folder.at("out", name), "utf8");
const large = someBytes(2_000_000);

test("a snapshot has all files of a revision, and what the hub's client keeps beside them", async () => {
  const repo = hub.put("models", "o/n", { "a.txt": "a", "deep/er/b c.bin": large, empty: "" });
  expect(await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options())).toEqual([
    "a.txt",
    "deep/er/b c.bin",
    "empty",
  ]);
  expect(readFileSync(folder.at("out", "deep/er/b c.bin")).equals(large)).toBe(true);
  expect(read("empty")).toBe("");
  const [commit, etag, time] = read(".cache/huggingface/download/a.txt.metadata").split("\n");
  expect([commit, etag]).toEqual([hub.commitOf(repo, "main"), gitSha1(Buffer.from("a"))]);
  expect(Number(time)).toBeGreaterThan(1.6e9);
  expect(read(".cache/huggingface/.gitignore")).toBe("*");
  expect(readdirSync(folder.at("out", ".cache/huggingface/download/deep/er"))).toEqual(["b c.bin.metadata"]);
});

test("what is there is not fetched again", async () => {
  hub.put("models", "o/n", { "a.txt": "a", "b.bin": large });
  await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options());
  hub.requests.length = 0;
  await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options());
  expect(hub.seen(/resolve/)).toEqual([]);
});

test("a file without metadata is taken when its content is right", async () => {
  hub.put("models", "o/n", { "a.txt": "a", "b.bin": large });
  mkdirSync(folder.at("out"));
  writeFileSync(folder.at("out", "a.txt"), "a");
  writeFileSync(folder.at("out", "b.bin"), large);
  await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options());
  expect(hub.seen(/resolve/)).toEqual([]);
});

test("a file that was changed since is fetched again; so is one that the hub changed", async () => {
  hub.put("models", "o/n", { "a.txt": "aa", "b.txt": "bb" });
  await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options());
  writeFileSync(folder.at("out", "a.txt"), "xx");
  utimesSync(folder.at("out", "a.txt"), new Date(), new Date(Date.now() + 60_000));
  hub.put("models", "o/n", { "b.txt": "BB" });
  await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options());
  expect([read("a.txt"), read("b.txt")]).toEqual(["aa", "BB"]);
});

test("force fetches a damaged file whose metadata says that it is right", async () => {
  hub.put("models", "o/n", { "a.txt": "aa" });
  const repo = hub.repos[0]!;
  await fetchHuggingfaceFile("o/n", "a.txt", folder.at("out"), options({ revision: hub.commitOf(repo, "main") }));
  writeFileSync(folder.at("out", "a.txt"), "xx");
  await fetchHuggingfaceFile(
    "o/n",
    "a.txt",
    folder.at("out"),
    options({ revision: hub.commitOf(repo, "main"), force: true }),
  );
  expect(read("a.txt")).toBe("aa");
});

test("datasets and revisions with slashes", async () => {
  hub.put("datasets", "o/d", { "x.csv": "main" });
  hub.put("datasets", "o/d", { "x.csv": "other" }, "feature/one");
  const more = options({ repoType: "dataset", revision: "feature/one" });
  await fetchHuggingfaceRepoSnapshot("o/d", folder.at("out"), more);
  expect(read("x.csv")).toBe("other");
  await fetchHuggingfaceFile("o/d", "x.csv", folder.at("file"), more);
  expect(readFileSync(folder.at("file", "x.csv"), "utf8")).toBe("other");
});

test("names with characters of URLs", async () => {
  const names = ["a b.txt", "ünï#1?.txt", "100%.txt", "plus+.txt", "q&=.txt"];
  hub.put("models", "o/n", Object.fromEntries(names.map((name) => [name, name])));
  await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options());
  expect(names.map(read)).toEqual(names);
});

test("files by extension, of a dataset unless it is said", async () => {
  hub.put("datasets", "o/d", { "keep1.th": "1", "skip.txt": "-", "deep/keep2.th": "2", "also.pth": "3" });
  expect(await fetchHuggingfaceByExtension("o/d", ".th", folder.at("out"), options())).toEqual([
    "keep1.th",
    "deep/keep2.th",
  ]);
  expect(existsSync(folder.at("out", "skip.txt"))).toBe(false);
  expect(await fetchHuggingfaceByExtension("o/d", "th", folder.at("out"), options())).toHaveLength(3);
  expect(await fetchHuggingfaceByExtension("o/d", "", folder.at("out"), options())).toHaveLength(4);
});

test("no file has the extension", async () => {
  hub.put("datasets", "o/d", { "a.txt": "a" });
  expect(await fetchHuggingfaceByExtension("o/d", ".th", folder.at("out"), options())).toEqual([]);
  expect(messages).toContain("WARNING No files with extension '.th' found in o/d");
});

test.each(["models", "datasets"] as const)(
  "the size of a repository of %s, page by page, no request for each file",
  async (kind) => {
    hub.put(kind, "o/n", { "a.bin": someBytes(1024), "b.bin": someBytes(2048), "c.txt": someBytes(512) });
    hub.pageSize = 2;
    const repoType = kind === "models" ? "model" : "dataset";
    expect(await estimateHfRepoSize("o/n", options({ repoType }))).toBe(3584);
    expect(await estimateHfRepoSize("o/n", { ...options({ repoType }), extension: ".bin" })).toBe(3072);
    expect(hub.seen(/HEAD|resolve/)).toEqual([]);
  },
);

test("a listing of 10,000 files in pages, one of them refused at first", async () => {
  hub.put("models", "o/n", Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`f/${i}.bin`, "1234"])));
  hub.faults.push({ match: /cursor=5000/, status: 503, times: 2 });
  expect(await estimateHfRepoSize("o/n", options())).toBe(40_000);
  expect(hub.seen(/tree/)).toHaveLength(11 + 2);
});

test("the next page on another host gets no token", async () => {
  hub.put("models", "o/n", { "a.txt": "a" });
  hub.faults.push({
    match: /tree/,
    status: 200,
    body: "[]",
    headers: { link: `<${hub.storage.url}/next>; rel="next"` },
  });
  await estimateHfRepoSize("o/n", options({ token: "token-of-the-hub" })).catch(() => undefined);
  expect(hub.seen(/tree/)[0]!.headers.authorization).toBe("Bearer token-of-the-hub");
  expect(hub.storage.requests).toHaveLength(1);
  expect(hub.storage.requests[0]!.headers.authorization).toBeUndefined();
});

test("the token goes to the hub and not to its storage", async () => {
  hub.repos.push({
    kind: "models",
    name: "o/private",
    revisions: { main: { "b.bin": { content: large, lfs: true } } },
    token: "token-of-the-hub",
  });
  await fetchHuggingfaceRepoSnapshot("o/private", folder.at("out"), options({ token: "token-of-the-hub" }));
  expect(hub.storage.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  expect(messages.join("\n")).not.toMatch(/token-of-the-hub|0123456789abcdef/);
});

test("a repository that there is not is an error, also where the folder has files", async () => {
  mkdirSync(folder.at("out"));
  writeFileSync(folder.at("out", "old.txt"), "old");
  await expect(fetchHuggingfaceRepoSnapshot("o/none", folder.at("out"), options())).rejects.toThrow(
    /401 RepoNotFound: Repository not found; it may not exist, or need a token \(HF_TOKEN\)/,
  );
});

test.each([
  ["revision", { revision: "none" }, "RevisionNotFound"],
  ["file", {}, "EntryNotFound"],
])("a %s that there is not", async (_, more, code) => {
  hub.put("models", "o/n", { "a.txt": "a" });
  await expect(fetchHuggingfaceFile("o/n", "none.txt", folder.at("out"), options(more))).rejects.toThrow(code);
});

test("a file of a commit that is there needs no request", async () => {
  const repo = hub.put("models", "o/n", { "a.txt": "a" });
  const pinned = options({ revision: hub.commitOf(repo, "main") });
  await fetchHuggingfaceFile("o/n", "a.txt", folder.at("out"), pinned);
  process.env["HF_HUB_OFFLINE"] = "1";
  expect(await fetchHuggingfaceFile("o/n", "a.txt", folder.at("out"), pinned)).toBe(folder.at("out", "a.txt"));
});

test("a file that was fetched before is kept, with a warning, when the hub cannot be reached", async () => {
  hub.put("models", "o/n", { "a.txt": "a" });
  await fetchHuggingfaceFile("o/n", "a.txt", folder.at("out"), options());
  hub.faults.push({ match: /./, status: 503, times: 99 });
  await fetchHuggingfaceFile("o/n", "a.txt", folder.at("out"), options());
  expect(messages).toContainEqual(expect.stringMatching(/^WARNING the hub cannot be reached/));
  await expect(fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options())).rejects.toThrow("503");
});

test("offline, nothing is asked", async () => {
  process.env["HF_HUB_OFFLINE"] = "1";
  await expect(fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options())).rejects.toThrow("HF_HUB_OFFLINE");
  expect(hub.requests).toEqual([]);
});

test.each(["../escape.txt", "/etc/escape", "a/../../escape", ".cache/huggingface/download/x.metadata", "a\\..\\b"])(
  "a hostile name stops everything before it begins: %s",
  async (name) => {
    hub.put("models", "o/n", { "good.txt": "a", [name]: "evil" });
    await expect(fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options())).rejects.toThrow(
      "Illegal relative path",
    );
    expect(existsSync(folder.at("out", "good.txt"))).toBe(false);
  },
);

test.each(["", "a/b/c", "../x", "a/..", "a?b", "http://x"])("%j is no repository", async (name) => {
  await expect(fetchHuggingfaceRepoSnapshot(name, folder.at("out"), options())).rejects.toThrow("organization/name");
});

test("a kind that there is not", async () => {
  await expect(estimateHfRepoSize("o/n", options({ repoType: "space" as never }))).rejects.toThrow(
    "Failed to determine repo size 'o/n' for 'space'. Supported types: 'model', 'dataset'",
  );
});

test("what the hub's own client has left of a file is continued", async () => {
  hub.put("models", "o/n", { "b.bin": large });
  const etag = JSON.parse(JSON.stringify(await (await fetch(`${hub.url}/api/models/o/n/tree/main`)).json()))[1].lfs
    .oid as string;
  // base64url of the SHA-1 of "b.bin.metadata"
  const part = folder.at("out", ".cache/huggingface/download", `${B_BIN}.${etag}.incomplete`);
  mkdirSync(dirname(part), { recursive: true });
  writeFileSync(part, large.subarray(0, 1_500_000));
  await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options());
  expect(hub.storage.requests.map(({ headers }) => headers.range)).toEqual(["bytes=1500000-"]);
  expect(readFileSync(folder.at("out", "b.bin")).equals(large)).toBe(true);
  expect(existsSync(part)).toBe(false);
});

(hasFlock ? test : test.skip)("what the hub's own client is fetching is left to it", async () => {
  hub.put("models", "o/n", { "b.bin": large });
  const tree = (await (await fetch(`${hub.url}/api/models/o/n/tree/main`)).json()) as { lfs?: { oid: string } }[];
  const folderOfParts = folder.at("out", ".cache/huggingface/download");
  const part = join(folderOfParts, `${B_BIN}.${tree.find(({ lfs }) => lfs)!.lfs!.oid}.incomplete`);
  mkdirSync(folderOfParts, { recursive: true });
  writeFileSync(part, large.subarray(0, 1_500_000));
  const held = await holdFlock(join(folderOfParts, "b.bin.lock"));
  await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options());
  await held.release();
  expect(readFileSync(folder.at("out", "b.bin")).equals(large)).toBe(true);
  expect(readFileSync(part).equals(large.subarray(0, 1_500_000))).toBe(true);
});

// printf b.bin.metadata | openssl sha1 -binary | base64 | tr +/ -_
const B_BIN = "-1smu-RKEzKr8MZllmGPi-ZkE7s=";

test("a dry run lists and fetches nothing", async () => {
  hub.put("models", "o/n", { "a.txt": "a", "b.txt": "b" });
  expect(await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options({ dryRun: true }))).toEqual([
    "a.txt",
    "b.txt",
  ]);
  expect(existsSync(folder.at("out"))).toBe(false);
});

test("an answer that is compressed although it was not asked for", async () => {
  const { gzipSync } = await import("node:zlib");
  hub.put("models", "o/n", { "a.txt": "aaaaaaaaaa" });
  hub.faults.push({
    match: /^GET .*resolve/,
    status: 200,
    headers: { "content-encoding": "gzip" },
    body: gzipSync("aaaaaaaaaa"),
  });
  await fetchHuggingfaceRepoSnapshot("o/n", folder.at("out"), options());
  expect(read("a.txt")).toBe("aaaaaaaaaa");
});

test("a relative redirect on the way", async () => {
  hub.put("models", "o/n", { "a.txt": "aa" });
  const repo = hub.repos[0]!;
  const location = `/o/n/resolve/${hub.commitOf(repo, "main")}/a.txt?moved`;
  hub.faults.push(
    { match: /^HEAD .*a.txt$/, status: 307, headers: { location } },
    { match: /^GET .*a.txt$/, status: 307, headers: { location } },
  );
  await fetchHuggingfaceFile("o/n", "a.txt", folder.at("out"), options());
  expect(read("a.txt")).toBe("aa");
});
