import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import {
  cacheName,
  type CacheTarget,
  configureLogging,
  groupDataByPaths,
  LRUCacheFileSystem,
  type LRUCacheOptions,
} from "../../../lib/io";
import { FileLock } from "../../../lib/io/files/file-lock";
import { hasFlock, holdFlock } from "../../support/flock";
import { temporaryFolder } from "../../support/temporary-folder";

const folder = temporaryFolder();
/** The content of path p is the text p. */
class PathTarget implements CacheTarget {
  readonly calls: string[] = [];
  async getFile(path: string, localPath: string): Promise<void> {
    this.calls.push(path);
    await writeFile(localPath, path);
  }
}
let target: PathTarget;
beforeEach(() => {
  target = new PathTarget();
  configureLogging({ sink: () => undefined });
});
afterAll(() => configureLogging());
const cache = (more: Partial<LRUCacheOptions> = {}): LRUCacheFileSystem =>
  new LRUCacheFileSystem({ storage: folder.at("cache"), cacheSize: 1024, target, ...more });
const files = (): string[] => readdirSync(folder.at("cache")).filter((name) => !name.startsWith("."));
const text = async (of: LRUCacheFileSystem, path: string): Promise<string> => (await of.catFile(path)).toString();
const sized = (bytes: number): CacheTarget => ({ getFile: async (_, local) => writeFile(local, Buffer.alloc(bytes)) });

test("the second read fetches nothing", async () => {
  const c = cache();
  expect([await text(c, "/test/file.txt"), await text(c, "/test/file.txt")]).toEqual([
    "/test/file.txt",
    "/test/file.txt",
  ]);
  expect(target.calls).toEqual(["/test/file.txt"]);
  expect(files()).toEqual(["_@_test_@_file.txt"]);
});

test("a file that changed at its target is fetched again where the target tells versions, and once for each", async () => {
  let [etag, fetches] = ["1", 0];
  const c = new LRUCacheFileSystem({
    storage: folder.at("cache"),
    cacheSize: 1024,
    target: {
      version: async () => Promise.resolve(etag),
      getFile: async (_, local) => (fetches++, writeFileSync(local, `content ${etag}`), Promise.resolve()),
    },
  });
  for (etag of ["1", "1", "2", "2"]) expect(String(await c.catFile("s3://b/k"))).toBe(`content ${etag}`);
  expect(fetches).toBe(2);
  expect(readFileSync(c.cachedPath("s3://b/k", "2"), "utf8")).toBe("content 2");
});

test("many readers of a missing file make one fetch, in one cache and in several", async () => {
  const [a, b] = [cache(), cache()];
  const read = await Promise.all(Array.from({ length: 20 }, async (_, i) => text(i % 2 ? a : b, "x")));
  expect(new Set(read)).toEqual(new Set(["x"]));
  expect(target.calls).toEqual(["x"]);
});

test("reading makes a file younger", async () => {
  const c = cache();
  await text(c, "x");
  utimesSync(c.cachedPath("x"), new Date(0), new Date(0));
  await text(c, "x");
  expect(statSync(c.cachedPath("x")).mtimeMs).toBeGreaterThan(1e12);
});

test.each(["wb", "r+b", "a", "rw", ""])("the mode %j is refused", (mode) =>
  expect(cache().open("x", mode)).rejects.toThrow("Writes are not supported in LRUCacheFileSystem"),
);

test("from the high watermark on, the least recently read go until the low one", async () => {
  const c = cache({
    cacheSize: 1000,
    target: sized(100),
    cacheCleanupHighWatermark: 0.8,
    cacheCleanupLowWatermark: 0.6,
  });
  for (let i = 0; i < 8; i++) {
    await c.catFile(`f${i}`);
    utimesSync(c.cachedPath(`f${i}`), i, i);
  }
  expect(await c.usedBytes()).toBe(800);
  utimesSync(c.cachedPath("f0"), 100, 100);
  await c.catFile("f8");
  expect(files().sort()).toEqual(["f0", "f4", "f5", "f6", "f7", "f8"]);
});

test("at no moment there is more than the limit", async () => {
  const c = cache({ cacheSize: 100, target: sized(15) });
  for (let i = 0; i < 30; i++) {
    await c.catFile(`f${i}`);
    expect(await c.usedBytes()).toBeLessThanOrEqual(100);
  }
  expect(files().length).toBeGreaterThan(3);
});

test("a file that is larger than the cache is given and not kept", async () => {
  const c = cache({ cacheSize: 10, target: sized(15) });
  expect((await c.catFile("x")).length).toBe(15);
  expect(readdirSync(folder.at("cache"))).toEqual([]);
});

test("without a limit everything stays", async () => {
  const c = cache({ cacheSize: null });
  for (let i = 0; i < 20; i++) await c.catFile(`f${i}`);
  await c.enforceSize(true);
  expect(files()).toHaveLength(20);
});

test("the size is looked at once in so many seconds", async () => {
  let now = 1_000_000;
  const c = cache({ enforceSizeEverySeconds: 10, now: () => now });
  await c.enforceSize();
  expect(c.lastEnforcement).toBe(now);
  now += 9_999;
  await c.enforceSize();
  expect(c.lastEnforcement).toBe(1_000_000);
  now += 1;
  await c.enforceSize();
  expect(c.lastEnforcement).toBe(now);
});

test("while another process cleans up, nothing is done", async () => {
  const c = cache({ cacheSize: 10 });
  writeFileSync(folder.at("cache", "old"), Buffer.alloc(100));
  const held = await new FileLock(folder.at("cache", ".cleanup_lock.owner.lock")).acquire();
  await c.enforceSize(true);
  expect(files()).toEqual(["old"]);
  await held.release();
  await c.enforceSize(true);
  expect(files()).toEqual([]);
});

test("a locked file survives, and what is no cached file", async () => {
  const c = cache({ cacheSize: 100 });
  for (const name of ["kept", "gone"]) writeFileSync(folder.at("cache", name), Buffer.alloc(60));
  for (const name of [".cleanup_lock", "kept.lock"]) writeFileSync(folder.at("cache", name), "");
  utimesSync(folder.at("cache", "kept"), 0, 0);
  const held = await new FileLock(folder.at("cache", ".kept.owner.lock")).acquire();
  await c.enforceSize(true);
  await held.release();
  expect(files().sort()).toEqual(["kept", "kept.lock"]);
  expect(existsSync(folder.at("cache", ".cleanup_lock"))).toBe(true);
});

test("a cached file that was removed is fetched again", async () => {
  const c = cache();
  await text(c, "x");
  rmSync(c.cachedPath("x"));
  await text(c, "x");
  expect(target.calls).toEqual(["x", "x"]);
});

test("an open file stays readable when it is removed from the cache", async () => {
  const c = cache();
  const file = await c.open("x");
  rmSync(c.cachedPath("x"));
  expect((await file.readFile()).toString()).toBe("x");
  await file.close();
});

test("modes of files and of the folder", async () => {
  const c = cache({ cacheStorageMode: 0o604, cacheStorageDmode: 0o750 });
  await text(c, "x");
  expect((statSync(c.cachedPath("x")).mode & 0o777).toString(8)).toBe("604");
  expect((statSync(folder.at("cache")).mode & 0o777).toString(8)).toBe("750");
});

test("a fetch that fails leaves nothing", async () => {
  const failing: CacheTarget = {
    getFile: async (_, local) => {
      await writeFile(local, "half");
      throw new Error("cut");
    },
  };
  await expect(cache({ target: failing }).catFile("x")).rejects.toThrow("cut");
  expect(readdirSync(folder.at("cache"))).toEqual([]);
});

test("ranges: of cached and of missing files, one of them twice", async () => {
  const c = cache();
  await text(c, "/cached.txt");
  const slices = await c.catRanges(["/cached.txt", "/uncached.txt", "/uncached.txt"], [0, 1, 2], [3, 5, 4]);
  expect(slices.map(String)).toEqual(["/ca", "unca", "nc"]);
  expect((await c.catRanges(["/1.txt", "/2.csv"], [0, 2], [2, 4])).map(String)).toEqual(["/1", ".c"]);
  expect((await c.catRanges(["/1.txt"], 1, 100)).map(String)).toEqual(["1.txt"]);
  // The files of one call are fetched at the same time, in any order.
  expect(target.calls.toSorted()).toEqual(["/1.txt", "/2.csv", "/cached.txt", "/uncached.txt"]);
});

test("an error takes the place of a range, or is raised", async () => {
  const c = cache({
    target: {
      getFile: async (path, local) => (path === "bad" ? Promise.reject(new Error("no")) : writeFile(local, path)),
    },
  });
  const [good, bad] = await c.catRanges(["good", "bad"], 0, 9);
  expect([String(good), bad]).toEqual(["good", new Error("no")]);
  await expect(c.catRanges(["bad"], 0, 9, "raise")).rejects.toThrow("no");
});

test.each([
  ["/test/file.txt", "_@_test_@_file.txt"],
  ["s3://bucket/k/x", "bucket_@_k_@_x"],
  ["lrucache://s3://bucket/k/", "bucket_@_k"],
  ["lrucache::s3://bucket/k", "bucket_@_k"],
])("%s is kept as %s", (path, name) => expect(cacheName(path)).toBe(name));

test("names that are too long, or that could be others', have a hash", () => {
  const names = ["a".repeat(300), "é".repeat(150), "a_@_b", ".cleanup_lock", "x.lock", "x.tmp", "", "a\nb"].map(
    cacheName,
  );
  for (const name of names) expect(name).toMatch(/-[0-9a-f]{32}$/);
  expect(Math.max(...names.map((name) => Buffer.byteLength(name)))).toBeLessThan(200);
  expect(cacheName("a/b")).not.toBe(cacheName("a_@_b"));
});

test.each([
  { cacheSize: -1 },
  { cacheSize: NaN },
  { cacheCleanupLowWatermark: 0.99 },
  { cacheCleanupHighWatermark: 2 },
])("%j is refused", (more) => expect(() => cache(more)).toThrow("expected"));

test("samples by folder", () => {
  const samples = ["a/x", "b/x", "a/y", "z"].map((name) => ({ name }));
  const groups = groupDataByPaths(samples);
  expect([...groups].map(([name, group]) => [name, [...group.keys()]])).toEqual([["a", ["x", "y"]], ["b", ["x"]], ["", ["z"]]]); // prettier-ignore
  expect(() => groupDataByPaths([...samples, { name: "a/x" }])).toThrow("Duplicate filename 'x' in path 'a'");
});

test("what a dead process left is removed, what a living one writes is not", async () => {
  const c = cache();
  const { ownMark } = await import("../../../lib/io/files/process-mark");
  const dead = ownMark.replace(/-\d+-/, "-999999999-");
  mkdirSync(folder.at("cache"), { recursive: true });
  for (const mark of [dead, ownMark]) writeFileSync(folder.at("cache", `.x.${mark}.0123456789ab.tmp`), "half");
  await c.enforceSize(true);
  expect(readdirSync(folder.at("cache"))).toEqual([`.x.${ownMark}.0123456789ab.tmp`]);
});

test("the lock of a dead process is taken over, that of a living one is not", async () => {
  const { ownMark } = await import("../../../lib/io/files/process-mark");
  const lock = new FileLock(folder.at("lock"));
  writeFileSync(folder.at("lock"), `${ownMark.replace(/-\d+-/, "-999999999-")} 1 2`);
  const held = await lock.tryAcquire();
  expect(held).not.toBeNull();
  expect(await lock.tryAcquire()).toBeNull();
  await expect(lock.acquire({ timeout: 0 })).rejects.toThrow("which another process holds");
  await held!.release();
  expect(existsSync(folder.at("lock"))).toBe(false);
});

test("a lock that nobody understands is given up when it is not touched for a minute", async () => {
  const lock = new FileLock(folder.at("lock"));
  writeFileSync(folder.at("lock"), "");
  expect(await lock.tryAcquire()).toBeNull();
  utimesSync(folder.at("lock"), 0, 0);
  await (await lock.tryAcquire())!.release();
  expect(() => readFileSync(folder.at("lock"))).toThrow("ENOENT");
});

const onLinux = hasFlock ? test : test.skip;

onLinux("a file that a process of the Python framework has locked is not removed", async () => {
  const c = cache({
    cacheSize: 1000,
    target: sized(400),
    cacheCleanupHighWatermark: 0.5,
    cacheCleanupLowWatermark: 0.5,
  });
  await c.catFile("locked");
  const held = await holdFlock(folder.at("cache", "locked.lock"));
  await c.catFile("other");
  await c.enforceSize(true);
  expect(files().filter((name) => !name.endsWith(".lock"))).toEqual(["locked"]);
  await held.release();
});

onLinux("a file that a process of the Python framework fetches is waited for, not fetched again", async () => {
  const c = cache();
  const held = await holdFlock(folder.at("cache", "shared.lock"));
  const reading = text(c, "shared");
  writeFileSync(folder.at("cache", "shared"), "from Python");
  await held.release();
  expect(await reading).toBe("from Python");
  expect(target.calls).toEqual([]);
});

onLinux("a process of the Python framework that died while it fetched is not waited for", async () => {
  const c = cache();
  const held = await holdFlock(folder.at("cache", "shared.lock"));
  const reading = text(c, "shared");
  await held.release();
  expect(await reading).toBe("shared");
  expect(target.calls).toEqual(["shared"]);
});
