import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import {
  buildManifest,
  configureLogging,
  FailAction,
  hashFile,
  loadManifest,
  manifestText,
  parseManifest,
  saveManifest,
  verifyTree,
} from "../../../lib/io";
import { describeFailAction } from "../../../lib/io/verification";
import { temporaryFolder } from "../../support/temporary-folder";

const folder = temporaryFolder();
const put = (name: string, content: string | Uint8Array): void => {
  mkdirSync(dirname(folder.at("root", name)), { recursive: true });
  writeFileSync(folder.at("root", name), content);
};
const build = (includeHash = true) => buildManifest(folder.at("root"), { includeHash });
const verify = async (manifest: Awaited<ReturnType<typeof build>>, requireHash = true) =>
  verifyTree(folder.at("root"), manifest, { requireHash });
const CLEAN = { ok: [], missing: [], extra: [], sizeMismatch: [], hashMismatch: [] };
beforeEach(() => {
  configureLogging({ sink: () => undefined });
  mkdirSync(folder.at("root"));
});
afterAll(() => configureLogging());

// SHA-256 of "hello", of three zero bytes and of nothing, by sha256sum
const HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const ZEROS = "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c";
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

test("a manifest has POSIX paths, sizes and hashes", async () => {
  put("a/b/x.txt", "hello");
  put("root.bin", new Uint8Array(3));
  expect([...(await build()).values()]).toEqual([
    { path: "a/b/x.txt", size: 5, hash: HELLO, etag: null, source: null },
    { path: "root.bin", size: 3, hash: ZEROS, etag: null, source: null },
  ]);
});

test("the file is byte for byte that of the Python framework", () => {
  const record = {
    path: "é.txt",
    size: 5,
    hash: HELLO,
    etag: null,
    source: { repo_id: "o/n", provider: "huggingface" },
  };
  expect(manifestText(new Map([["é.txt", record]]))).toBe(`{
  "\\u00e9.txt": {
    "etag": null,
    "hash": "${HELLO}",
    "path": "\\u00e9.txt",
    "size": 5,
    "source": {
      "provider": "huggingface",
      "repo_id": "o/n"
    }
  }
}`);
  expect(manifestText(new Map())).toBe("{}");
});

test("numbers as names, and names of object properties, are sorted as text", () => {
  const record = { path: "x", size: 0, hash: null, etag: null, source: null };
  const text = manifestText(new Map([["9", record], ["10", record], ["__proto__", record]])); // prettier-ignore
  expect([...text.matchAll(/^ {2}"(.*?)"/gm)].map((match) => match[1])).toEqual(["10", "9", "__proto__"]);
  expect([...parseManifest(text, "m").keys()].sort()).toEqual(["10", "9", "__proto__"]);
});

test("what is saved is loaded", async () => {
  put("a.txt", "hello");
  const manifest = await build();
  await saveManifest(manifest, folder.at("deep", "er", "m.json"));
  expect(await loadManifest(folder.at("deep", "er", "m.json"))).toEqual(manifest);
  expect(readFileSync(folder.at("deep", "er", "m.json"), "utf8")).toBe(manifestText(manifest));
});

test("missing hash, etag and source are null, other keys are ignored, upper-case hashes are the same", () => {
  const text = JSON.stringify({ a: { path: "a", size: 1, new: 2 }, b: { size: 5, hash: HELLO.toUpperCase() } });
  expect([...parseManifest(text, "m").values()]).toEqual([
    { path: "a", size: 1, hash: null, etag: null, source: null },
    { path: "b", size: 5, hash: HELLO, etag: null, source: null },
  ]);
});

test.each([
  ["[]", "expected an object"],
  ["{", "expected JSON"],
  ['{"a": 1}', "for size"],
  ['{"a": {"size": -1}}', "for size"],
  ['{"a": {"size": 1, "hash": "no"}}', "for hash"],
  ['{"../a": {"size": 1}}', "Illegal relative path"],
  ['{"a//b": {"size": 1}, "a/b": {"size": 1}}', "is there twice"],
])("%s is no manifest", (text, problem) => expect(() => parseManifest(text, "m.json")).toThrow(problem));

test("there is no manifest", () => expect(loadManifest(folder.at("none.json"))).rejects.toThrow("none.json"));

test("nothing changed", async () => {
  put("ok.dat", "1234");
  expect(await verify(await build())).toEqual({ ...CLEAN, ok: ["ok.dat"] });
});

test("one file is gone, one is new", async () => {
  put("keep.txt", "x");
  const manifest = await build();
  rmSync(folder.at("root", "keep.txt"));
  put("extra.txt", "y");
  expect(await verify(manifest)).toEqual({ ...CLEAN, missing: ["keep.txt"], extra: ["extra.txt"] });
});

test("another size", async () => {
  put("a", "1234");
  const manifest = await build();
  put("a", "12345");
  expect(await verify(manifest)).toEqual({ ...CLEAN, sizeMismatch: ["a"] });
});

test.each([true, false])("other content, with require_hash %s", async (requireHash) => {
  put("a", "AAAA");
  const manifest = await build();
  put("a", "AAAB");
  expect(await verify(manifest, requireHash)).toEqual({ ...CLEAN, hashMismatch: ["a"] });
});

test("without hashes sizes decide, unless hashes are required", async () => {
  put("a.txt", "x");
  const manifest = await build(false);
  expect(await verify(manifest, false)).toEqual({ ...CLEAN, ok: ["a.txt"] });
  expect(await verify(manifest, true)).toEqual({ ...CLEAN, hashMismatch: ["a.txt"] });
});

test("keys that are not normalised name the same file", async () => {
  put("a/b", "hello");
  const manifest = parseManifest(JSON.stringify({ "a//./b": { size: 5, hash: HELLO } }), "m");
  expect(await verify(manifest)).toEqual({ ...CLEAN, ok: ["a/b"] });
});

test("what fetching leaves beside the files does not count, nor does the manifest", async () => {
  put("a", "hello");
  put(".cache/huggingface/download/a.metadata", "x");
  put(".cache/other", "counts");
  put("b.part", "half");
  put("m.json", "{}");
  const except = [folder.at("root", "m.json")];
  const manifest = await buildManifest(folder.at("root"), { except });
  expect([...manifest.keys()]).toEqual([".cache/other", "a"]);
  expect((await verifyTree(folder.at("root"), manifest, { except })).extra).toEqual([]);
});

test("links to files are followed, those to folders and to nothing are not", async () => {
  put("a/x", "hello");
  symlinkSync(folder.at("root", "a", "x"), folder.at("root", "link"));
  symlinkSync(folder.at("root", "a"), folder.at("root", "folder-link"));
  symlinkSync(folder.at("root", "nothing"), folder.at("root", "broken"));
  expect([...(await build()).keys()]).toEqual(["a/x", "link"]);
});

test("a manifest of a folder that is not there is an error", () =>
  expect(buildManifest(folder.at("none"))).rejects.toThrow("there is no folder"));

test("files are hashed in chunks", async () => {
  put("big", new Uint8Array(2 ** 20 + 1));
  // head -c 1048577 /dev/zero | sha256sum
  expect(await hashFile(folder.at("root", "big"))).toBe(
    "2cb74edba754a81d121c9db6833704a8e7d417e5b13d1a19f4a52f007d644264",
  );
  put("empty", "");
  expect(await hashFile(folder.at("root", "empty"))).toBe(NOTHING);
});

test.each([0, -1, 0.5])("chunks of %d MiB are refused", async (size) => {
  put("a", "hello");
  await expect(hashFile(folder.at("root", "a"), size)).rejects.toThrow("chunk_size_mb");
});

test("every action has its line", () =>
  expect(new Set(Object.values(FailAction).map(describeFailAction)).size).toBe(4));
